"""Follow what was brought to the chain to its end, on the chain's clock; the agents' keepers do the work.

proposal ─► window ─► veto by a process of its own
              └────► timelock ─► executed ─► (RAMP) steps
cut ─► one hour ─► executed
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from core.errors import ChainError, GovernanceError
from core.lanes import Lane
from core.proposal import ProposalState
from core.ramp import ramp_plan
from core.units import Bps
from governance.cuts import Cuts, CutState, CutView
from governance.proposals import Proposals, ProposalView
from tribunate.demo.display import Display, utc
from tribunate.demo.processes import child_environment
from tribunate.demo.stage import Stage

OUTCOMES = {
    ProposalState.EXECUTED: "executed",
    ProposalState.DEFEATED: "vetoed",
    ProposalState.CANCELED: "cancelled",
    ProposalState.EXPIRED: "expired",
}
CUT_OUTCOMES = {CutState.EXECUTED: "executed", CutState.LAPSED: "expired"}
OPEN = {ProposalState.PENDING, ProposalState.ACTIVE}
STEP_SECONDS = 12 * 3600
WAIT_SECONDS = 30
KEEPER_WALL_SECONDS = 90
REFUSED_WALL_SECONDS = 10
VETO_WALL_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Hands:
    """How a follower lets time pass: listen, walk the clock on, let the agents look."""

    pump: Callable[[float], bool]
    walk: Callable[[int], None]
    look: Callable[[], None]


class Follower:
    """Moves the clock and looks."""

    def __init__(
        self,
        stage: Stage,
        proposals: Proposals,
        cuts: Cuts,
        display: Display,
        *,
        hands: Hands,
    ) -> None:
        self._stage = stage
        self._proposals = proposals
        self._cuts = cuts
        self._display = display
        self._hands = hands

    # --- proposals -----------------------------------------------------------------------------------

    def follow(self, number: int, *, veto: bool) -> dict[str, Any]:
        """Return what became of proposal ``number`` once it has ended, and its ramp with it."""
        view = self._proposals.show(number)
        self._display.step(5, f"Proposal {number}", f"{view.lane.value.upper()} lane   {_moves(view)}")
        self._display.detail(lane_text(view))
        if not self._window(number, veto=veto):
            self._through_timelock(number)
        if view.lane is Lane.RAMP and self._proposals.state(number) is ProposalState.EXECUTED:
            self._down_the_ramp(number)
        view = self._proposals.show(number)
        outcome = OUTCOMES.get(view.state)
        if outcome is None:
            raise GovernanceError(f"proposal {number} is still {view.state}", allowed="an end")
        steps = _steps(view)
        return {
            "outcome": outcome,
            "lane": view.lane.value.upper(),
            "proposal_id": number,
            "governor_id": str(view.governor_id),
            "signers": self._names(view.signers),
            # execution takes a ramp's first step itself
            "transactions": list(
                dict.fromkeys([*view.transactions.values(), *(step["transaction"] for step in steps)])
            ),
            "steps": steps,
        }

    def _names(self, wallets: tuple[str, ...]) -> list[str]:
        names = {wallet: name for name, wallet in self._stage.wallets.items()}
        return sorted(names.get(wallet, wallet) for wallet in wallets)

    def _window(self, number: int, *, veto: bool) -> bool:
        """Walk through the veto window; return whether it ended in a veto."""
        asked = False
        while (state := self._proposals.state(number)) in OPEN:
            view = self._proposals.show(number)
            now = self._stage.world.now()
            self._display.window(
                passed=now - view.created,
                length=view.window_end - view.created,
                against=view.votes_against,
                threshold=view.veto_threshold or 0,
            )
            if state is ProposalState.ACTIVE and veto and not asked:
                asked = True
                self._veto(number)
                continue
            self._hands.walk(min(now + STEP_SECONDS, view.window_end + 1))
            self._hands.look()
        return state is ProposalState.DEFEATED

    def _veto(self, number: int) -> None:
        """Let a token holder veto, in a process of its own."""
        folder = self._stage.folder
        command = [sys.executable, "-m", "tribunate", "proposal", "veto", str(number)]
        command += ["--run", str(folder.path), "--rpc", self._stage.client.rpc_url, "--yes"]
        command += ["--code", "too-risky"]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=VETO_WALL_SECONDS,
            env=child_environment(),
            check=False,
        )
        if done.returncode != 0:
            raise ChainError(f"the veto process ended with {done.returncode}: {done.stderr.strip()[:300]}")
        for line in done.stdout.strip().splitlines():
            self._display.detail(line)

    def _through_timelock(self, number: int) -> None:
        """Wait for the keepers to queue and to execute; refused executions are tried until grace ends."""
        state = self._proposals.state
        self._wait(lambda: state(number) is not ProposalState.SUCCEEDED)
        view = self._proposals.show(number)
        if view.eta is None or view.grace_end is None:
            return
        self._display.step(
            6, "Timelock", f"queued, executable after {(view.eta - view.window_end) // 3600} h"
        )
        self._stage.world.advance_to(view.eta)
        while state(number) is ProposalState.QUEUED:
            if self._wait(lambda: state(number) is not ProposalState.QUEUED, seconds=REFUSED_WALL_SECONDS):
                return
            later = min(self._stage.world.now() + STEP_SECONDS, view.grace_end + 1)
            self._stage.world.advance_to(later)

    def _down_the_ramp(self, number: int) -> None:
        """Wait for the keepers to take each step when it falls due, until the ramp has ended."""
        shown = 0
        while (ramp := self._proposals.ramp(number)) is not None:
            for step in ramp.steps[shown:]:
                before = ramp.first_bps if shown == 0 else ramp.steps[shown - 1].value_bps
                shown += 1
                moved = f"{Bps(before)} → {Bps(step.value_bps)}"
                self._display.step(6, f"Step {shown}", f"{moved}   {utc(step.time)}")
            if ramp.next_step_at is None:
                return
            while self._stage.world.now() < ramp.next_step_at:
                self._hands.walk(ramp.next_step_at)
                self._hands.look()
            if not self._wait(partial(self._further, number, shown), seconds=REFUSED_WALL_SECONDS):
                self._stage.world.advance_to(self._stage.world.now() + STEP_SECONDS)

    def _further(self, number: int, shown: int) -> bool:
        """Whether the ramp has taken more steps than have been shown, or has ended."""
        ramp = self._proposals.ramp(number)
        return ramp is None or ramp.ended or len(ramp.steps) > shown

    # --- cuts ----------------------------------------------------------------------------------------

    def follow_cut(self, number: int) -> dict[str, Any]:
        """Return what became of cut ``number`` once it has been executed or has lapsed."""
        view = self._cuts.show(number)
        wait = (view.executable_at - view.announced_at) // 3600
        self._display.step(5, f"Cut {number}", f"FAST lane   {_cut_moves(view)}")
        self._display.detail(
            f"executable in {wait} h, nobody holds it up; only SLOW or a holder vote undoes it"
        )
        self._stage.world.advance_to(view.executable_at)
        while self._cuts.state(number) not in CUT_OUTCOMES:
            if not self._wait(lambda: self._cuts.state(number) in CUT_OUTCOMES, seconds=REFUSED_WALL_SECONDS):
                self._stage.world.advance_to(self._stage.world.now() + STEP_SECONDS)
        view = self._cuts.show(number)
        return {
            "outcome": CUT_OUTCOMES[view.state],
            "lane": Lane.FAST.value.upper(),
            "cut_id": number,
            "signers": self._names(view.signers),
            "transactions": list(view.transactions.values()),
        }

    def _wait(self, done: Callable[[], bool], *, seconds: float = KEEPER_WALL_SECONDS) -> bool:
        """Wait until it is done; slow time passes, so that keepers get their turn."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if done():
                return True
            self._hands.pump(0.3)
            self._stage.world.advance_to(self._stage.world.now() + WAIT_SECONDS)
        return False


def _moves(view: ProposalView) -> str:
    return "   ".join(f"{m.scalar} {m.before} → {m.after}" for m in view.moves)


def _cut_moves(view: CutView) -> str:
    before, after = view.update.expected.as_dict(), view.update.proposed.as_dict()
    return "   ".join(
        f"{name} {before[name]} → {after[name]}" for name in before if before[name] != after[name]
    )


def _steps(view: ProposalView) -> list[dict[str, Any]]:
    """Return the steps of a ramp as the result holds them."""
    if view.ramp is None:
        return []
    return [
        {"time": step.time, "value_bps": step.value_bps, "transaction": step.transaction}
        for step in view.ramp.steps
    ]


def lane_text(view: ProposalView) -> str:
    """Return what a proposal's lane means for the people whom it concerns."""
    if view.lane is not Lane.RAMP:
        return "risk up: 72 h of veto, then 24 h of timelock"
    expected, proposed = view.update.expected, view.update.proposed
    plan = ramp_plan(expected.liquidation_threshold_bps, proposed.liquidation_threshold_bps)
    steps = ", ".join(f"{Bps(value)} after {seconds // 3600} h" for seconds, value in plan)
    return f"safety down for borrowers: 72 h of veto, 24 h of timelock, then by steps: {steps}"
