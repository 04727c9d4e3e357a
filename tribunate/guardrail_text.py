"""The guardrails as people and programs read them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from core.guardrails import FieldLimits
from core.market import Scalar
from core.units import Bps
from governance.overview import FieldState, Overview
from tribunate.demo.display import utc

CAPS = {Scalar.SUPPLY_CAP, Scalar.BORROW_CAP}


def overview_record(seen: Overview) -> dict[str, Any]:
    """Return what ``--json`` prints; amounts are integers in base units or basis points."""
    record = asdict(seen)
    record["fields"] = {field.scalar.value: _field_record(field) for field in seen.fields}
    record["waiting"] = [{**asdict(item), "lane": item.lane.value.upper()} for item in seen.waiting]
    return record


def _field_record(field: FieldState) -> dict[str, Any]:
    record = asdict(field)
    del record["scalar"]
    return record


def overview_text(seen: Overview) -> str:
    """Return the page."""
    lines = [f"{seen.market_name} {seen.market}   block {seen.block}, {utc(seen.time)}", ""]
    lines.append(
        f"Seats, version {seen.seat_version}: {len(seen.seats)}, of which {seen.signers_needed} must sign "
        f"and {seen.faults} may fail"
    )
    for seat in seen.seats:
        voice = "" if seat.active else "   disabled"
        lines.append(
            f"  {seat.agent_id:>3}  {seat.wallet}  {seat.operator:<12} {seat.family:<12} "
            f"{seat.data_source:<10} bond {seat.bond}{voice}"
        )
    lines += [
        "",
        f"{'Field':<27}{'now':>10}{'floor':>10}{'ceiling':>10}{'step':>16}{'left of 30 d':>20}  next",
    ]
    lines += [_field_line(field) for field in seen.fields]
    if seen.last_cut_at:
        lines.append(f"last emergency cut {utc(seen.last_cut_at)}")
    lines += ["", "Pending"]
    for item in seen.waiting:
        until = f" until {utc(item.until)}" if item.until else ""
        lines.append(f"  {item.kind} {item.number}  {item.lane.value.upper()}  {item.state}{until}")
    if not seen.waiting:
        lines.append("  nothing")
    return "\n".join(lines)


def _field_line(field: FieldState) -> str:
    limits = field.limits
    step = f"+{_up(limits.step_up, limits)} -{_down(limits.step_down, limits)}"
    left = f"+{_up(field.budget_left_up, limits)} -{_down(field.budget_left_down, limits)}"
    when = "closed" if not limits.enabled else "now"
    if limits.enabled and field.next_allowed_at is not None:
        when = utc(field.next_allowed_at)
    return (
        f"{field.scalar.value:<27}{_value(field.value, field):>10}{_value(limits.floor, field):>10}"
        f"{_value(limits.ceiling, field):>10}{step:>16}{left:>20}  {when}"
    )


def _value(value: int, field: FieldState) -> str:
    if field.scalar is Scalar.IS_OPEN:
        return "open" if value else "frozen"
    if field.scalar not in CAPS:
        return str(Bps(value))
    return "none" if value >= 2**128 - 1 else f"{value:.3g}"


def _up(count: int, limits: FieldLimits) -> str:
    return _move(count, limits, relative=limits.relative_up)


def _down(count: int, limits: FieldLimits) -> str:
    return _move(count, limits, relative=limits.relative_down)


def _move(count: int, limits: FieldLimits, *, relative: bool) -> str:
    if relative:
        return f"{count / 100:g}%"
    return f"{count}e{limits.unit_decimals}" if limits.unit_decimals else f"{count}"
