"""Leads the agents through epochs by moving the chain's clock; what they do there is theirs.

epoch 1 ─► … ─► walk to the next start ──────────────────────────────► epoch 2 ─► …
                   └─ an agent calls: hold the clock, follow its epoch ─┘
"""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from core.calls import is_extraordinary
from core.errors import ChainError
from core.market import Parameters
from core.units import Bps
from governance.cuts import Cuts
from governance.proposals import Proposals
from governance.reader import ChainReader
from tribunate.demo.cast import CAST
from tribunate.demo.display import utc
from tribunate.demo.follow import Follower, Hands
from tribunate.demo.recorder import Recorder
from tribunate.demo.stage import Stage

TICK_WALL_SECONDS = 1.0
EPOCH_WALL_SECONDS = 600
WALK_SECONDS = 6 * 3600
"""Chain time between two looks at the price while nothing is negotiated."""

WALK_WALL_SECONDS = 0.8
LOOK_WALL_SECONDS = 0.1
CALLED_PACE_SECONDS = 20
"""A called epoch's turns are a minute long: its clock goes slowly, so that no keeper misses its turn."""


@dataclass(frozen=True, slots=True)
class Tempo:
    """How many epochs are played, which are vetoed, and how fast the clock goes while all are silent."""

    epochs: int
    veto_epochs: tuple[int, ...]
    pace_seconds: int


class Conductor:
    """Plays epochs one after the other, called ones where they are called."""

    def __init__(self, tempo: Tempo, stage: Stage, recorder: Recorder) -> None:
        self._tempo = tempo
        self._stage = stage
        self._recorder = recorder
        self._display = recorder.display
        self._proposals = Proposals(stage.client, stage.deployment)
        self._cuts = Cuts(stage.client, stage.deployment)
        self._reader = ChainReader(stage.client, stage.deployment)
        self._played: set[int] = set()
        self._meanwhile: list[dict[str, Any]] = []

    def play(self) -> Iterator[dict[str, Any]]:
        """Yield each epoch's part of the result, until as many as were asked for have been played.

        Of called epochs only the first that brings a cut is counted, the others are told: a fall may go on.
        """
        number, counted, cut = 1, 0, False
        while counted < self._tempo.epochs:
            called = self._walk_to(self._stage.start_of(number))
            if called is not None:
                entry = self._run(called, pace_seconds=CALLED_PACE_SECONDS)
            else:
                entry = self._run(number, pace_seconds=self._tempo.pace_seconds)
                number += 1
            counted += called is None or (entry["cut_id"] is not None and not cut)
            cut = cut or entry["cut_id"] is not None
            yield entry
            yield from self._meanwhile
            self._meanwhile = []

    def _walk_to(self, end: int) -> int | None:
        """Move the clock to ``end`` in steps; stop at a call and return its epoch."""
        world = self._stage.world
        while True:
            called = self._called()
            if called is not None or world.now() >= end:
                return called
            self.walk(min(world.now() + WALK_SECONDS, end))
            if world.now() < end:
                self.pump(WALK_WALL_SECONDS)

    def _called(self) -> int | None:
        """Return an epoch that has been called and not been played yet."""
        return next((epoch for epoch in self._recorder.called if epoch not in self._played), None)

    def walk(self, target: int) -> None:
        """Move the clock to ``target`` round by round; stop where an agent begins to work or calls."""
        world = self._stage.world
        while world.now() < target and not self._busy() and self._called() is None:
            world.step_towards(target)
            self._drain()

    def look(self) -> None:
        """Let agents look while another epoch's proposal waits; a call then is followed to its cut."""
        self.pump(LOOK_WALL_SECONDS)
        end = time.monotonic() + EPOCH_WALL_SECONDS
        while self._busy() and time.monotonic() < end:
            self.pump(LOOK_WALL_SECONDS)
        called = self._called()
        if called is not None:
            self._meanwhile.append(self._run(called, pace_seconds=CALLED_PACE_SECONDS))

    def _busy(self) -> bool:
        return any(self._recorder.working.get(role.name, 0) for role in CAST)

    def _run(self, epoch: int, *, pace_seconds: int) -> dict[str, Any]:
        """Run one epoch to its end; return its part of the result."""
        self._played.add(epoch)
        self._say_start(epoch)
        before = self._reader.parameters()
        proposals, cuts = self._proposals.count(), self._cuts.count()
        outcome, reason = self._negotiate(epoch, pace_seconds=pace_seconds)
        self._display.step(4, "Negotiated", f"{outcome}: {reason}")
        entry: dict[str, Any] = {
            "epoch": epoch,
            "called_by": self._recorder.called.get(epoch),
            "outcome": outcome,
            "lane": None,
            "proposal_id": None,
            "cut_id": None,
            "governor_id": None,
            "signers": [],
            "dissenters": [],
            "transactions": [],
            "steps": [],
        }
        follower = Follower(
            self._stage,
            self._proposals,
            self._cuts,
            self._display,
            hands=Hands(pump=self.pump, walk=self.walk, look=self.look),
        )
        if self._cuts.count() > cuts:
            entry.update(follower.follow_cut(cuts + 1))
            entry["dissenters"] = self._dissenters(epoch, self._cuts.show(cuts + 1).update.attempt)
        elif self._proposals.count() > proposals:
            number = proposals + 1
            entry.update(follower.follow(number, veto=epoch in self._tempo.veto_epochs))
            entry["dissenters"] = self._dissenters(epoch, self._proposals.update(number).attempt)
        after = self._reader.parameters()
        entry["parameters_before"], entry["parameters_after"] = before.as_dict(), after.as_dict()
        self._display.step(7, str(entry["outcome"]).capitalize(), change_text(before, after))
        return entry

    def _say_start(self, epoch: int) -> None:
        caller = self._recorder.called.get(epoch)
        if caller is None:
            start = utc(self._stage.start_of(epoch))
            self._display.step(3, f"Epoch {epoch}", f"starts {start}")
            return
        now = self._stage.world.now()
        price = self._reader.oracle()[0] / 1e8
        fall = self._stage.world.fall_bps(now)
        text = f"called by {caller} at {utc(now)}: price {price:,.2f}, {Bps(fall)} below its 24 h high"
        self._display.step(3, "Emergency", text)

    def _dissenters(self, epoch: int, attempt: int) -> list[str]:
        agents = self._recorder.log(epoch).dissented.get(attempt, set())
        return sorted(self._stage.names[agent] for agent in agents)

    def _drain(self) -> None:
        """Take what the agents have said by now."""
        while not self._stage.processes.events.empty():
            self._recorder.take(*self._stage.processes.events.get())

    def pump(self, seconds: float) -> bool:
        """Take the agents' events for ``seconds``; return whether there were any."""
        end, heard = time.monotonic() + seconds, False
        while (left := end - time.monotonic()) > 0:
            try:
                name, event = self._stage.processes.events.get(timeout=left)
            except queue.Empty:
                return heard
            heard = True
            self._recorder.take(name, event)
        return heard

    def _takes_part(self, name: str, epoch: int) -> bool:
        """Whether an agent is waited for: in a called epoch only if it has taken the call."""
        joined = {self._stage.names[agent] for agent in self._recorder.log(epoch).joined}
        return not is_extraordinary(epoch) or name in joined or name == self._recorder.called.get(epoch)

    def _negotiate(self, epoch: int, *, pace_seconds: int) -> tuple[str, str]:
        """Wait for every living agent to finish; chain time passes while they are all silent."""
        stage, finished = self._stage, self._recorder.log(epoch).finished
        end = time.monotonic() + EPOCH_WALL_SECONDS
        while time.monotonic() < end:
            heard = self.pump(TICK_WALL_SECONDS)
            alive = [role.name for role in CAST if stage.processes.alive(role.name)]
            if not alive:
                raise ChainError(
                    "every agent process has ended", hint="see agents/*/agent.log in the run folder"
                )
            waited_for = [name for name in alive if self._takes_part(name, epoch)]
            if waited_for and all(name in finished for name in waited_for):
                outcomes = [(finished[name]["outcome"], finished[name]["reason"]) for name in waited_for]
                return next((o for o in outcomes if o[0] == "proposed"), outcomes[0])
            if not heard and not any(self._recorder.working.get(name, 0) for name in alive):
                stage.world.advance_to(stage.world.now() + pace_seconds)
        raise ChainError(f"epoch {epoch} did not end", hint="see agents/*/agent.log in the run folder")


def change_text(before: Parameters, after: Parameters) -> str:
    """Return what changed between two states of the market, for people."""
    fields = {"threshold": "liquidation_threshold_bps", "LTV": "ltv_bps"}
    moves = [
        f"{name} {getattr(before, field)} → {getattr(after, field)}"
        for name, field in fields.items()
        if getattr(before, field) != getattr(after, field)
    ]
    return "   ".join(moves) or "market unchanged"
