"""The attack that needs the network: one seated agent of four lies, and the others negotiate with it.

With f = 1 of n = 4 faulty, whatever it says, the candidate must lie within the honest agents' bounds, and
a forged bundle must be named by ``proposal verify``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.epoch import candidate_value, quorum
from tribunate.attack.liar import Lie
from tribunate.demo.cast import CAST
from tribunate.demo.display import Display
from tribunate.demo.show import DemoOptions, run_demo
from tribunate.events import read_events, recompute_epoch
from tribunate.run_folder import RunFolder
from tribunate.served import Target, reach
from tribunate.verify import verify_proposal

LIAR = "deep-quantile"


@dataclass(frozen=True, slots=True)
class LyingReport:
    """What one liar achieved.  ``held`` is the claim that the network makes."""

    lie: Lie
    liar: str
    run_dir: str
    outcome: str
    bounds: dict[str, int | None]
    unclamped: int | None
    honest_lowest: int | None
    honest_highest: int | None
    named_parts: tuple[str, ...]
    held: bool
    reason: str

    def record(self) -> dict[str, Any]:
        """Return plain types."""
        return {**{name: getattr(self, name) for name in self.__dataclass_fields__}, "lie": self.lie.value}


def run_lying_agent(lie: Lie, *, seed: int, runs: Path, paths: int, display: Display) -> LyingReport:
    """Run one epoch with a liar in one seat; return what came of it."""
    command = ["tribunate.attack.liar", "--lie", lie.value]
    options = DemoOptions(
        seed=seed,
        runs=runs,
        paths=paths,
        epochs=1,
        veto_epochs=(),
        pace_seconds=300,
        commands={LIAR: command},
    )
    result = run_demo(options, display)
    folder = RunFolder(Path(result["run_dir"]))
    bounds = _bounds(folder)
    honest = [bound for name, bound in bounds.items() if name != LIAR and bound is not None]
    unclamped = candidate_value([b for b in bounds.values() if b is not None], quorum(len(CAST)))
    outcome = result["epochs"][0]["outcome"]
    named = _named_parts(folder, result) if lie is Lie.FORGE else ()
    held, reason = _judge(lie, honest=honest, unclamped=unclamped, named=named)
    return LyingReport(
        lie=lie,
        liar=LIAR,
        run_dir=result["run_dir"],
        outcome=outcome,
        bounds=bounds,
        unclamped=unclamped,
        honest_lowest=min(honest, default=None),
        honest_highest=max(honest, default=None),
        named_parts=named,
        held=held,
        reason=reason,
    )


def _bounds(folder: RunFolder) -> dict[str, int | None]:
    """Return the certified bounds by agent, recomputed from the signed messages."""
    found = recompute_epoch(read_events(folder.events), 1).bounds
    with reach(Target(run=folder.path, rpc=None, deployment=None)) as dao:
        families = {seat.agent_id: seat.family for seat in dao.reader.seat_table().seats}
    names = {role.family: role.name for role in CAST}
    return {names[families[agent]]: bound for agent, bound in found.items()}


def _named_parts(folder: RunFolder, result: dict[str, Any]) -> tuple[str, ...]:
    """Return what ``proposal verify`` says differs."""
    number = result["epochs"][0]["proposal_id"]
    if number is None:
        return ()
    with reach(Target(run=folder.path, rpc=None, deployment=None)) as dao:
        found = verify_proposal(dao, number, folder)
    return tuple(f"{f.owner}: {f.check.name}" for f in found.findings if not f.check.agrees)


def _judge(lie: Lie, *, honest: list[int], unclamped: int | None, named: tuple[str, ...]) -> tuple[bool, str]:
    if lie is Lie.FORGE:
        if f"{LIAR}: outcomes" in named:
            return True, "the forged part was named: " + ", ".join(named)
        return False, "the forged result was not found"
    if unclamped is None:
        return True, "no candidate"
    if min(honest) <= unclamped <= max(honest):
        return True, f"{unclamped} lies within the honest bounds {min(honest)} to {max(honest)}"
    return False, f"{unclamped} lies outside the honest bounds {min(honest)} to {max(honest)}"


def report_text(report: LyingReport) -> str:
    """Return what people see."""
    lines = [f"lie {report.lie}   liar {report.liar}   outcome {report.outcome}"]
    for name, bound in report.bounds.items():
        mark = "  (lies)" if name == report.liar else ""
        lines.append(f"  {name:<16} {'abstains' if bound is None else bound}{mark}")
    lines.append(f"{'held' if report.held else 'BROKEN'}: {report.reason}")
    return "\n".join(lines)
