"""``tribunate demo``: the whole loop, from data to a changed, a vetoed, a cut and a ramped market.

    market ─► chain and contracts ─► four agents ─► conductor
       epoch 1: negotiate ─► proposal ─► window ─► timelock ─► execution          SLOW
       epoch 2: negotiate ─► proposal ─► window ─► veto by a process of its own   SLOW
       the price falls, an agent calls: negotiate ─► cut ─► one hour ─► execution FAST
       epoch 3: negotiate ─► proposal ─► window ─► timelock ─► steps down         RAMP

Nothing of this is written down anywhere: the seed draws the market, and the rest follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from core.calls import is_extraordinary
from core.errors import ConfigError
from core.market import ROUNDS, parameters_from
from tribunate.demo.cast import CAST
from tribunate.demo.conductor import Conductor, Tempo, change_text
from tribunate.demo.display import Display, utc
from tribunate.demo.market import bundled, from_data
from tribunate.demo.processes import Processes
from tribunate.demo.recorder import Recorder
from tribunate.demo.stage import build_stage
from tribunate.run_folder import RunFolder, create, write_json

PACE_SECONDS = 150
"""Chain time that passes in a second in which no agent speaks or works."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What a user can choose; ``commands`` replaces an agent's process by name (tribunate/attack)."""

    data: Path | None = None
    seed: int = 7
    events: Path | None = None
    epochs: int = 4
    paths: int = 2_000
    runs: Path = Path("runs")
    volatility_scale: float = 1.0
    veto_epochs: tuple[int, ...] = (2,)
    pace_seconds: int = PACE_SECONDS
    chat_model: str = ""
    commands: Mapping[str, list[str]] = field(default_factory=dict)


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
        "governor": stage.deployment.verifying_contract,
    }
    tempo = Tempo(options.epochs, options.veto_epochs, options.pace_seconds)
    for entry in Conductor(tempo, stage, recorder).play():
        result["epochs"].append(entry)
        write_json(folder.result, result)


def _closing(display: Display, folder: RunFolder, result: dict[str, Any]) -> None:
    """Print the table, the run folder, and what to try next."""
    rows = []
    for entry in result["epochs"]:
        before, after = (parameters_from(entry[f"parameters_{when}"]) for when in ("before", "after"))
        brought = "" if entry["proposal_id"] is None else f"proposal {entry['proposal_id']}"
        rows.append(
            [
                "called" if is_extraordinary(entry["epoch"]) else str(entry["epoch"]),
                entry["lane"] or "",
                entry["outcome"],
                brought if entry["cut_id"] is None else f"cut {entry['cut_id']}",
                change_text(before, after).replace("   ", "\n"),
                f"{len(entry['signers'])} of {len(CAST)}" if entry["signers"] else "",
                ", ".join(entry["dissenters"]),
            ]
        )
    display.table("", ["epoch", "lane", "outcome", "brought by", "change", "signed", "dissent"], rows)
    display.line(f"Run folder  {folder.path}")
    proposed = [entry["proposal_id"] for entry in result["epochs"] if entry["proposal_id"]]
    if proposed:
        display.line(f"Evidence    tribunate proposal verify {proposed[0]}")
        display.line(f"Next        tribunate proposal show {proposed[0]}   ·   tribunate chain")
    display.line("            tribunate backtest --help   ·   tribunate attack --help")
