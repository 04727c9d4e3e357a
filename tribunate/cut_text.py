"""An emergency cut as a person reads it: the change, who called for it, when it takes effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.calls import CALL_SCALAR
from core.lanes import Lane
from core.ports import SeatTable
from core.units import Bps
from governance.cuts import Cuts, CutState, CutView
from tribunate.dao import Dao
from tribunate.demo.display import utc
from tribunate.run_folder import RunFolder
from tribunate.surroundings import caller_of, explanations_of, revealed_bounds, seat_names


@dataclass(frozen=True, slots=True)
class SeenCut:
    """A cut with what the chain and the run's events say around it."""

    view: CutView
    market_name: str
    seats: SeatTable
    names: dict[str, str]
    caller: int | None
    bounds: dict[int, int | None]
    explanations: dict[str, str]

    def name_of(self, agent_id: int | None) -> str:
        """Return the name that people know an agent by."""
        wallets = {seat.agent_id: seat.wallet for seat in self.seats.seats}
        return "unknown" if agent_id is None else self.names.get(wallets.get(agent_id, ""), str(agent_id))


def read_cut(dao: Dao, number: int, folder: RunFolder | None) -> SeenCut:
    """Return cut ``number`` with its surroundings."""
    view = Cuts(dao.client, dao.deployment).show(number)
    seats, epoch = dao.reader.seat_table(), view.update.epoch
    return SeenCut(
        view=view,
        market_name=dao.deployment.market_name,
        seats=seats,
        names=seat_names(folder, seats),
        caller=caller_of(folder, epoch),
        bounds=revealed_bounds(folder, epoch),
        explanations=explanations_of(folder, epoch),
    )


def summary_line(view: CutView) -> str:
    """Return a line of the list."""
    return (
        f"{view.number:>4}  {Lane.FAST.value.upper():<5} {view.state.value:<9} {_moves(view)}   {_when(view)}"
    )


def cut_text(seen: SeenCut) -> str:
    """Return the page of one cut."""
    view = seen.view
    lines = [f"Cut {view.number}   {seen.market_name}   FAST   {view.state.value}   {_when(view)}", ""]
    lines.append(f"{'Change':<12}{_moves(view)}   safer ▼")
    lines.append(f"{'Affected':<12}nobody's health factor and nobody's ability to repay; new borrowing only")
    lines.append(f"{'Why':<12}called by {seen.name_of(seen.caller)}; {_why(seen)}")
    lines += [f"{'':<12}{name}: {text}" for name, text in seen.explanations.items()]
    lines.append(f"{'Signed':<12}{', '.join(seen.names.get(wallet, wallet) for wallet in view.signers)}")
    lines.append(
        f"{'Veto':<12}none: executable {utc(view.executable_at)}, nobody holds it up; "
        "a SLOW proposal or a holder vote reverses it"
    )
    lines.append(f"{'Evidence':<12}root 0x{view.update.evidence_root.hex()}")
    lines.append(f"{'':<12}re-run: tribunate cut verify {view.number}")
    for act, transaction in view.transactions.items():
        lines.append(f"{act.capitalize():<12}{transaction}")
    return "\n".join(lines) + "\n"


def _moves(view: CutView) -> str:
    before, after = view.update.expected.as_dict(), view.update.proposed.as_dict()
    return "   ".join(
        _move(name, before[name], after[name]) for name in before if before[name] != after[name]
    )


def _move(name: str, before: int, after: int) -> str:
    if not name.endswith("_bps"):
        return f"{name.replace('_', ' ')} {before:,} → {after:,}"
    label = {"ltv_bps": "LTV"}.get(name, name.removesuffix("_bps").replace("_", " "))
    return f"{label} {Bps(before)} → {Bps(after)}"


def _when(view: CutView) -> str:
    match view.state:
        case CutState.WAITING:
            return f"executable after {utc(view.executable_at)}"
        case CutState.READY:
            return f"anyone may execute it until {utc(view.expires_at)}"
    return f"announced {utc(view.announced_at)}"


def _why(seen: SeenCut) -> str:
    now = seen.view.update.expected.field(CALL_SCALAR)
    known = [bound for bound in seen.bounds.values() if bound is not None]
    if not known:
        return "the bounds are in the run's events; pass --run to see them"
    below = sum(bound < now for bound in known)
    return f"{below} of {len(seen.seats.seats)} models call an LTV of {Bps(now)} unsafe under the mandate"


def cut_record(seen: SeenCut) -> dict[str, Any]:
    """Return the page as plain types."""
    view = seen.view
    return {
        **summary_record(view),
        "called_by": seen.name_of(seen.caller),
        "expected": view.update.expected.as_dict(),
        "proposed": view.update.proposed.as_dict(),
        "bounds": {str(agent): bound for agent, bound in seen.bounds.items()},
        "explanations": seen.explanations,
        "signers": [seen.names.get(wallet, wallet) for wallet in view.signers],
        "evidence_root": view.update.evidence_root.hex(),
        "transcript_root": view.update.transcript_root.hex(),
        "transactions": view.transactions,
    }


def summary_record(view: CutView) -> dict[str, Any]:
    """Return a row of the list as plain types."""
    return {
        "cut_id": view.number,
        "epoch": view.update.epoch,
        "lane": Lane.FAST.value.upper(),
        "state": view.state.value,
        "announced_at": view.announced_at,
        "executable_at": view.executable_at,
        "expires_at": view.expires_at,
    }
