"""The show: two epochs, one that executes and one that a token holder vetoes.

stage ─► epoch 1: negotiate ─► proposal ─► window ─► timelock ─► execution
     └─► epoch 2: negotiate ─► proposal ─► window ─► veto by a process of its own
"""

from __future__ import annotations

import json
import queue
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from core.errors import ChainError, ConfigError
from core.market import ROUNDS, Parameters
from core.units import Bps
from governance.proposals import Proposals
from tribunate.demo.cast import CAST
from tribunate.demo.display import Display, utc
from tribunate.demo.follow import Follower
from tribunate.demo.market import bundled, from_data
from tribunate.demo.processes import Processes
from tribunate.demo.stage import Stage, build_stage
from tribunate.run_folder import RunFolder, create, write_json

TICK_WALL_SECONDS = 1.0
PACE_SECONDS = 150
"""Chain time that passes in a second in which no agent speaks or works."""
EPOCH_WALL_SECONDS = 600


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What a user can choose; ``commands`` replaces an agent's process by name (tribunate/attack)."""

    data: Path | None = None
    seed: int = 7
    events: Path | None = None
    epochs: int = 2
    paths: int = 2_000
    runs: Path = Path("runs")
    volatility_scale: float = 1.0
    veto_epochs: tuple[int, ...] = (2, 4)
    pace_seconds: int = PACE_SECONDS
    chat_model: str = ""
    commands: Mapping[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class EpochLog:
    """What the agents said of one epoch."""

    finished: dict[str, dict[str, Any]] = field(default_factory=dict)
    agreed: dict[int, set[int]] = field(default_factory=dict)
    dissented: dict[int, set[int]] = field(default_factory=dict)
    transactions: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Recorder:
    """Every event passes here: to the screen, to the event files, and into the epoch's log."""

    display: Display
    files: list[IO[str]]
    domain: dict[str, Any] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    epochs: dict[int, EpochLog] = field(default_factory=dict)
    working: dict[str, int] = field(default_factory=dict)

    def log(self, epoch: int) -> EpochLog:
        """Return the log of one epoch."""
        return self.epochs.setdefault(epoch, EpochLog())

    def take(self, name: str, event: dict[str, Any]) -> None:
        """Take one event."""
        match event["type"]:
            case "training" if event["epochs"] > 1 and _worth_showing(event):
                losses = f"train {event['train_loss']:.4f}  validation {event['validation_loss']:.4f}"
                self.display.detail(
                    f"{name:<16} epoch {event['epoch']:>3}/{event['epochs']}  {losses}", style="dim"
                )
            case "trained":
                self.display.detail(f"{name:<16} trained on {event['bars']:,} bars to {utc(event['until'])}")
            case "recommendation":
                self.display.recommendation(name, event)
            case "message":
                self._message(event)
            case "working" | "worked":
                step = 1 if event["type"] == "working" else -1
                self.working[name] = self.working.get(name, 0) + step
            case "finish":
                self.log(event["epoch"]).finished[name] = event
            case "submitted":
                self.log(event["epoch"]).transactions.append(event["transaction"])
            case "refused" | "error" | "reject":
                self.display.detail(
                    f"{name:<16} {event.get('found', event.get('reason', ''))}", style="yellow"
                )

    def _message(self, event: dict[str, Any]) -> None:
        self.display.message(self.names, event)
        line = {key: value for key, value in event.items() if key not in ("type", "by", "agent_id")}
        for file in self.files:
            file.write(json.dumps({**line, **self.domain}, sort_keys=True) + "\n")
            file.flush()
        log = self.log(event["epoch"])
        if event["phase"] == "agree":
            log.agreed.setdefault(event["attempt"], set()).add(event["from"])
        if event["phase"] == "dissent":
            log.dissented.setdefault(event["attempt"], set()).add(event["from"])


def _worth_showing(event: dict[str, Any]) -> bool:
    """Whether an epoch of training is shown: the first, every tenth, the last."""
    return event["epoch"] in (1, event["epochs"]) or event["epoch"] % 10 == 0


def run_demo(options: DemoOptions, display: Display) -> dict[str, Any]:
    """Run the demo; return what ``--json`` prints.  Leaves no process behind, however it ends."""
    market = bundled(options.seed, volatility_scale=options.volatility_scale)
    source = "bundled market (synthetic)"
    if options.data is not None:
        market, source = from_data(options.data, options.seed), f"real prices from {options.data.name}"
    folder = create(options.runs)
    display.line(f"Tribunate demo   {source}, seed {options.seed}   run {folder.path}")
    result: dict[str, Any] = {"run_dir": str(folder.path.resolve()), "epochs": []}
    asked = {"kind": "demo", "seed": options.seed, "data": str(options.data or ""), "paths": options.paths}
    write_json(folder.manifest, {**asked, "state": "running"})
    with Processes() as processes, folder.events.open("w", encoding="utf-8") as own:
        files: list[IO[str]] = [own]
        if options.events is not None:
            files.append(_open_events(options.events))
        recorder = Recorder(display, files)
        try:
            _play(options, folder, market, processes=processes, recorder=recorder, result=result)
        finally:
            for file in files:
                file.close()
    write_json(folder.result, result)
    write_json(folder.manifest, {**asked, "state": "done"})
    _closing(display, folder, result)
    return result


def _open_events(path: Path) -> IO[str]:
    try:
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"cannot write {path}: {error.strerror}", hint="pass another --events FILE"
        ) from error


def _play(
    options: DemoOptions,
    folder: RunFolder,
    market: Any,
    *,
    processes: Processes,
    recorder: Recorder,
    result: dict[str, Any],
) -> None:
    display = recorder.display
    for name, feed in market.feeds.items():
        known = feed.until(market.genesis_time)
        kind = "rounds" if known.bar_seconds == ROUNDS else "hourly bars"
        display.step(1, "Data", f"WETH/USDC  {name:<9} {len(known):,} {kind} to {utc(known.last_time)}")
    roles = "   ".join(f"{r.name} ({r.operator[-1].upper()}, {r.family}, {r.source})" for r in CAST)
    display.step(2, "Agents", roles)
    display.waiting("starting the chain and four agents")
    stage = build_stage(
        folder,
        market,
        chat_model=options.chat_model,
        processes=processes,
        paths=options.paths,
        on_event=recorder.take,
        display=display,
        commands=options.commands,
    )
    recorder.names = stage.names
    recorder.domain = {
        "chain_id": stage.deployment.chain_id,
        "governor": stage.deployment.addresses["governor"],
    }
    conductor = Conductor(options, stage, recorder)
    for epoch in range(1, options.epochs + 1):
        result["epochs"].append(conductor.run_epoch(epoch))
        write_json(folder.result, result)


class Conductor:
    """Leads the agents through epochs by moving the chain's clock."""

    def __init__(self, options: DemoOptions, stage: Stage, recorder: Recorder) -> None:
        self._options = options
        self._stage = stage
        self._recorder = recorder
        self._display = recorder.display
        self._proposals = Proposals(stage.client, stage.deployment)

    def run_epoch(self, epoch: int) -> dict[str, Any]:
        """Run one epoch to its end; return its part of the result."""
        stage, display = self._stage, self._display
        display.step(3, f"Epoch {epoch}", f"starts {utc(stage.start_of(epoch))}")
        stage.world.advance_to(stage.start_of(epoch))
        before = self._parameters()
        known = self._proposals.count()
        outcome, reason = self._negotiate(epoch)
        log = self._recorder.log(epoch)
        entry: dict[str, Any] = {
            "epoch": epoch,
            "outcome": outcome,
            "lane": None,
            "proposal_id": None,
            "governor_id": None,
            "signers": [],
            "dissenters": [],
            "transactions": [],
        }
        display.step(4, "Negotiated", f"{outcome}: {reason}")
        if self._proposals.count() > known:
            follower = Follower(stage, self._proposals, display, self.pump, self._recorder.log(epoch))
            entry.update(follower.follow(known + 1, veto=epoch in self._options.veto_epochs))
            attempt = self._proposals.update(known + 1).attempt
            entry["dissenters"] = sorted(stage.names[a] for a in log.dissented.get(attempt, set()))
        after = self._parameters()
        entry["parameters_before"], entry["parameters_after"] = before.as_dict(), after.as_dict()
        self._say_result(entry, before, after)
        return entry

    def _parameters(self) -> Parameters:
        from governance.reader import ChainReader

        return ChainReader(self._stage.client, self._stage.deployment).parameters()

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

    def _negotiate(self, epoch: int) -> tuple[str, str]:
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
            if all(name in finished for name in alive):
                outcomes = [(finished[name]["outcome"], finished[name]["reason"]) for name in alive]
                return next((o for o in outcomes if o[0] == "proposed"), outcomes[0])
            if not heard and not any(self._recorder.working.get(name, 0) for name in alive):
                stage.world.advance_to(stage.world.now() + self._options.pace_seconds)
        raise ChainError(f"epoch {epoch} did not end", hint="see agents/*/agent.log in the run folder")

    def _say_result(self, entry: dict[str, Any], before: Parameters, after: Parameters) -> None:
        threshold = f"{before.liquidation_threshold_bps} → {after.liquidation_threshold_bps}"
        ltv = f"{before.ltv_bps} → {after.ltv_bps}"
        text = f"liquidation threshold {threshold}   LTV {ltv}"
        if before == after:
            text = "market unchanged"
        self._display.step(7, str(entry["outcome"]).capitalize(), text)


def _closing(display: Display, folder: RunFolder, result: dict[str, Any]) -> None:
    """Print the table, the run folder, and what to try next."""
    rows = []
    for entry in result["epochs"]:
        before, after = entry["parameters_before"], entry["parameters_after"]
        rows.append(
            [
                str(entry["epoch"]),
                entry["outcome"],
                entry["lane"] or "",
                "" if entry["proposal_id"] is None else str(entry["proposal_id"]),
                f"{Bps(before['liquidation_threshold_bps'])} → {Bps(after['liquidation_threshold_bps'])}",
                f"{len(entry['signers'])} of {len(CAST)}" if entry["signers"] else "",
                ", ".join(entry["dissenters"]),
            ]
        )
    columns = ["epoch", "outcome", "lane", "proposal", "threshold", "signed", "dissent"]
    display.table("", columns, rows)
    display.line(f"Run folder  {folder.path}")
    proposed = [entry["proposal_id"] for entry in result["epochs"] if entry["proposal_id"]]
    if proposed:
        display.line(f"Evidence    tribunate proposal verify {proposed[0]}")
        display.line(f"Next        tribunate proposal show {proposed[0]}   ·   tribunate chain")
    display.line("            tribunate backtest --help   ·   tribunate attack --help")
