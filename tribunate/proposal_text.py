"""A proposal as a person reads it: the change, whom it affects, why, who signed, and how to check it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from core.lanes import Lane
from core.lending import Decimals, LiquidationRules, health_factor_wad, max_borrow
from core.market import Parameters, Scalar
from core.ports import SeatTable
from core.position import Position
from core.proposal import ProposalState, VetoReason
from core.ramp import RAMP_STEP_BPS, ramp_plan
from core.units import WAD, Bps
from governance.ballots import tally_of
from governance.price_cap import PriceCap
from governance.proposals import CapMove, FieldMove, Proposals, ProposalSummary, ProposalView, RampView
from tribunate.dao import Dao
from tribunate.demo.display import utc
from tribunate.run_folder import RunFolder
from tribunate.surroundings import explanations_of, revealed_bounds, seat_names

LONGEST_TEXT = 200
RISKIER_UP = {Scalar.LTV, Scalar.LIQUIDATION_THRESHOLD, Scalar.SUPPLY_CAP, Scalar.BORROW_CAP}


@dataclass(frozen=True, slots=True)
class Affected:
    """Borrowers whom a change of parameters touches at once."""

    newly_liquidatable: int
    may_borrow_more: int
    borrowers: int
    more_usdc: int


@dataclass(frozen=True, slots=True)
class SeenProposal:
    """A proposal with what the chain and the run's events say around it."""

    view: ProposalView
    market_name: str
    seats: SeatTable
    names: dict[str, str]
    bounds: dict[int, int | None]
    affected: Affected | None
    explanations: dict[str, str]


def read_proposal(dao: Dao, number: int, folder: RunFolder | None) -> SeenProposal:
    """Return proposal ``number`` with its surroundings."""
    view = Proposals(dao.client, dao.deployment).show(number)
    seats = dao.reader.seat_table()
    return SeenProposal(
        view=view,
        market_name=dao.deployment.market_name if view.price_cap is None else view.price_cap.market,
        seats=seats,
        names=seat_names(folder, seats),
        bounds=revealed_bounds(folder, view.signed.epoch),
        affected=_affected(dao, view),
        explanations=explanations_of(folder, view.signed.epoch),
    )


def _affected(dao: Dao, view: ProposalView) -> Affected | None:
    """A price cap moves no parameter of a market: whom it touches depends on the price to come."""
    if view.price_cap is not None:
        return None
    positions, price = dao.reader.positions(), view.update.snapshot.oracle_price
    before, after = view.update.expected, view.update.proposed
    gains = [_room(p, price, parameters=after) - _room(p, price, parameters=before) for p in positions]
    return Affected(
        newly_liquidatable=sum(_falls(p, price, before=before, after=after) for p in positions),
        may_borrow_more=sum(gain > 0 for gain in gains),
        borrowers=len(positions),
        more_usdc=sum(gains) // 10 ** Decimals().debt,
    )


def _room(position: Position, price: int, *, parameters: Parameters) -> int:
    most = max_borrow(position.collateral, price=price, ltv_bps=parameters.ltv_bps, decimals=Decimals())
    return max(0, most - position.debt)


def _falls(position: Position, price: int, *, before: Parameters, after: Parameters) -> bool:
    """Whether the change alone makes a position liquidatable."""
    health = [
        health_factor_wad(
            position,
            price=price,
            rules=LiquidationRules(p.liquidation_threshold_bps, p.liquidation_bonus_bps),
        )
        for p in (before, after)
    ]
    return health[0] is not None and health[1] is not None and health[0] >= WAD > health[1]


def summary_line(row: ProposalSummary) -> str:
    """Return a line of the list."""
    head = f"{row.number:>4}  epoch {row.epoch:<4} {row.lane.value.upper():<5}"
    return f"{head} {row.state.value:<10} window ends {utc(row.window_end)}"


def summary_record(row: ProposalSummary) -> dict[str, Any]:
    """Return a row of the list as plain types."""
    return {
        "proposal_id": row.number,
        "governor_id": str(row.governor_id),
        "epoch": row.epoch,
        "lane": row.lane.value.upper(),
        "state": row.state.value,
        "window_end": row.window_end,
    }


def proposal_text(seen: SeenProposal, *, with_call_data: bool) -> str:
    """Return the page of one proposal."""
    view = seen.view
    lines = [_title(seen), ""]
    moves = [move_text(move, lane=view.lane) for move in view.moves]
    moves += [cap_move_text(move) for move in view.cap_moves]
    lines += [f"{'Change' if number == 0 else '':<12}{move}" for number, move in enumerate(moves)]
    if view.lane is Lane.RAMP:
        for number, step in enumerate(_ramp_lines(view)):
            lines.append(f"{'Ramp' if number == 0 else '':<12}{step}")
    if seen.affected is not None:
        lines.append(f"{'Affected':<12}{_affected_text(seen.affected)}")
        lines.append(f"{'Why':<12}{_why(seen)}")
    lines += [f"{'':<12}{name}: {text}" for name, text in seen.explanations.items()]
    signed = ", ".join(seen.names.get(wallet, wallet) for wallet in view.signers)
    dissent = ", ".join(f"{seen.names.get(d.agent, d.agent)} ({d.reason})" for d in view.dissents) or "none"
    lines.append(f"{'Signed':<12}{signed}   dissent on chain: {dissent}")
    lines.append(f"{'Veto':<12}{_veto(view)}")
    lines += [f"{'':<12}{line}" for line in _veto_lines(seen)]
    lines.append(f"{'Evidence':<12}root 0x{view.signed.evidence_root.hex()}")
    if view.price_cap is None:
        lines.append(f"{'':<12}re-run: tribunate proposal verify {view.number}")
    lines.append(f"{'Call':<12}ParameterGovernor.execute → {_call_text(view)} [decoded]")
    if with_call_data:
        lines.append(f"{'Raw':<12}{view.call_target} 0x{view.call_data.hex()}")
    for act, transaction in view.transactions.items():
        lines.append(f"{act.capitalize():<12}{transaction}")
    return "\n".join(lines) + "\n"


def _affected_text(affected: Affected) -> str:
    return (
        f"{affected.newly_liquidatable} positions become liquidatable; {affected.may_borrow_more} of "
        f"{affected.borrowers} borrowers can borrow {affected.more_usdc:,} USDC more in all"
    )


def _call_text(view: ProposalView) -> str:
    if view.price_cap is not None:
        cap = view.price_cap.proposed
        growth = cap.max_yearly_growth_bps
        vector = f"ratio {cap.snapshot_ratio}, time {cap.snapshot_timestamp}, growth {growth}"
        return f"PriceCapAdapter.applyPriceCap({vector})"
    p = view.update.proposed
    vector = f"LTV {p.ltv_bps}, threshold {p.liquidation_threshold_bps}, bonus {p.liquidation_bonus_bps}"
    return f"DemoMarketAdapter.applyUpdate({vector})"


def cap_move_text(move: CapMove) -> str:
    """Return one value of a price cap, old and new."""
    before, after = (_cap_value(move.name, value) for value in (move.before, move.after))
    return f"{move.name.removesuffix('_bps').replace('_', ' '):<22} {before} → {after}"


def _cap_value(name: str, value: int) -> str:
    if name == "snapshot_timestamp":
        return utc(value)
    return str(Bps(value)) if name.endswith("_bps") else f"{value:,}"


def _title(seen: SeenProposal) -> str:
    view = seen.view
    when = {
        ProposalState.PENDING: f"window opens {utc(view.snapshot)}",
        ProposalState.ACTIVE: f"window ends {utc(view.window_end)}",
        ProposalState.QUEUED: f"executable after {utc(view.eta or 0)}",
    }.get(view.state, f"window closed {utc(view.window_end)}")
    lane = view.lane.value.upper()
    head = f"Proposal {view.number}   {seen.market_name} (epoch {view.signed.epoch})   {lane}"
    return f"{head}   {view.state.value}   {when}"


def _ramp_lines(view: ProposalView) -> list[str]:
    """Return the steps that a ramp has taken, and those that it may still take."""
    expected, proposed = view.update.expected, view.update.proposed
    plan = ramp_plan(expected.liquidation_threshold_bps, proposed.liquidation_threshold_bps)
    if view.ramp is None:
        armed = f"armed by execution, then at most {RAMP_STEP_BPS} bps a day:"
        return [armed + " " + ", ".join(f"{Bps(value)} after {after // 3600} h" for after, value in plan)]
    taken = [
        f"step {number} of {len(plan)}   {Bps(step.value_bps)}   {utc(step.time)}   {step.transaction}"
        for number, step in enumerate(view.ramp.steps, 1)
    ]
    if view.ramp.stopped:
        return [*taken, "stopped: what was left of it lapses"]
    if view.ramp.next_step_at is not None:
        return [*taken, f"next step after {utc(view.ramp.next_step_at)}, until {utc(view.ramp.lapses_at)}"]
    return taken if view.ramp.arrived else [*taken, f"lapsed {utc(view.ramp.lapses_at)}"]


def ramp_record(ramp: RampView) -> dict[str, Any]:
    """Return a ramp as plain types."""
    return {
        "first_bps": ramp.first_bps,
        "target_bps": ramp.target_bps,
        "current_bps": ramp.current_bps,
        "armed_at": ramp.armed_at,
        "next_step_at": ramp.next_step_at,
        "lapses_at": ramp.lapses_at,
        "stopped": ramp.stopped,
        "ended": ramp.ended,
        "steps": [
            {"time": step.time, "value_bps": step.value_bps, "transaction": step.transaction}
            for step in ramp.steps
        ],
    }


def move_text(move: FieldMove, *, lane: Lane) -> str:
    """Return one field's move, its direction, and what it uses of its limits."""
    name = move.scalar.value.removesuffix("_bps").replace("_", " ")
    bps = move.scalar.value.endswith("_bps")
    before, after = (str(Bps(v)) if bps else f"{v:,}" for v in (move.before, move.after))
    riskier = (move.after > move.before) == (move.scalar in RISKIER_UP)
    direction = "riskier ▲" if riskier else "safer ▼"
    budget = f"{move.budget_used} of {move.budget_limit} bps used in 30 days"
    step = f"uses {move.step_used} of {move.step_limit} bps step, " if lane is Lane.SLOW else ""
    return f"{name:<22} {before} → {after}   {direction}   {step}{budget}"


def _why(seen: SeenProposal) -> str:
    value, now = (p.liquidation_threshold_bps for p in (seen.view.update.proposed, seen.view.update.expected))
    known = {agent: bound for agent, bound in seen.bounds.items() if bound is not None}
    if not known:
        return "the bounds are in the run's events; pass --run to see them"
    by_id = {seat.agent_id: seen.names.get(seat.wallet, str(seat.agent_id)) for seat in seen.seats.seats}
    lowest = min(known, key=lambda agent: known[agent])
    cautious = f"the most cautious, {by_id.get(lowest, lowest)}, calls {Bps(known[lowest])} the limit"
    if value < now:
        unsafe = sum(bound < now for bound in known.values())
        return f"{unsafe} of {len(by_id)} models call {now} unsafe under the mandate; {cautious}"
    safe = sum(bound >= value for bound in known.values())
    return f"{safe} of {len(by_id)} models call {value} safe under the mandate; {cautious}"


def _veto(view: ProposalView) -> str:
    if view.veto_threshold is None:
        return f"votes are counted at {utc(view.snapshot)}; the window ends {utc(view.window_end)}"
    share = 100 * view.votes_against / view.veto_threshold
    return f"{share:.2f} % of the votes needed; the window ends {utc(view.window_end)}"


def _veto_lines(seen: SeenProposal) -> list[str]:
    """Return what the votes against say: a line per reason, and the words of those that have votes."""
    lines = []
    for row in tally_of(seen.view.vetoes):
        words = [
            f"  {vote.holder}: {printable(vote.text)}"
            for vote in seen.view.vetoes
            if vote.reason is row.reason and vote.text and vote.weight
        ]
        if words or row.reason is not VetoReason.UNSPECIFIED:
            said = f"{row.reason.value}: {_count(row.votes)}, {_share(seen.view, row.weight)}"
            lines += [said, *words]
    return lines


def _count(votes: int) -> str:
    return "1 vote" if votes == 1 else f"{votes} votes"


def _share(view: ProposalView, weight: int) -> str:
    share = 0.0 if view.veto_threshold is None else 100 * weight / view.veto_threshold
    return f"{share:.2f} % of the votes needed"


def printable(text: str) -> str:
    """Return a stranger's words on one line, without what would steer a terminal, cut at ``LONGEST_TEXT``.

    >>> printable("thin\\x1b[2J supply")
    'thin [2J supply'
    """
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    return plain if len(plain) <= LONGEST_TEXT else plain[: LONGEST_TEXT - 1] + "…"


def _values(values: Parameters | PriceCap) -> dict[str, int]:
    return {name: int(value) for name, value in asdict(values).items()}


def proposal_record(seen: SeenProposal) -> dict[str, Any]:
    """Return the page as plain types."""
    view = seen.view
    return {
        "proposal_id": view.number,
        "governor_id": str(view.governor_id),
        "epoch": view.signed.epoch,
        "state": view.state.value,
        "lane": view.lane.value.upper(),
        "ramp": None if view.ramp is None else ramp_record(view.ramp),
        "kind": "parameters" if view.price_cap is None else "price_cap",
        "expected": _values(view.signed.expected),
        "proposed": _values(view.signed.proposed),
        "affected": None if seen.affected is None else asdict(seen.affected),
        "bounds": {str(agent): bound for agent, bound in seen.bounds.items()},
        "explanations": seen.explanations,
        "signers": [seen.names.get(wallet, wallet) for wallet in view.signers],
        "dissents": [{"agent": d.agent, "reason": d.reason} for d in view.dissents],
        "vetoes": [
            {"holder": v.holder, "weight": str(v.weight), "code": v.reason.value, "reason": v.text}
            for v in view.vetoes
        ],
        "veto_codes": {
            row.reason.value: {"votes": row.votes, "weight": str(row.weight)} for row in tally_of(view.vetoes)
        },
        "votes_against": str(view.votes_against),
        "veto_threshold": None if view.veto_threshold is None else str(view.veto_threshold),
        "created": view.created,
        "window_end": view.window_end,
        "eta": view.eta,
        "evidence_root": view.signed.evidence_root.hex(),
        "transcript_root": view.signed.transcript_root.hex(),
        "transactions": view.transactions,
        "call": {"target": view.call_target, "data": "0x" + view.call_data.hex()},
    }
