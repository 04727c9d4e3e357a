"""From a revert's bytes to an error that names the rule: selectors come from the artifacts' ABIs."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import collapse_if_tuple
from eth_utils.crypto import keccak

from contracts.artifacts import FOLDER
from core.errors import GovernanceError, GuardrailError, TribunateError
from core.market import PARAMETER_FIELDS

GUARDRAIL_RULES = {
    "FieldDisabled": "disabled",
    "BelowFloor": "floor",
    "AboveCeiling": "ceiling",
    "StepTooLarge": "step",
    "TooSoon": "delay",
    "BudgetExceeded": "budget",
    "NothingChanges": "unchanged",
    "NotOneScalar": "coupling",
    "LtvNotCoupled": "coupling",
    "LtvAboveMargin": "coupling",
    "LtvNotBelowThreshold": "soundness",
    "NothingLeftForDebt": "soundness",
    "ValueMoved": "compare_and_swap",
    "WriteDiffers": "post_state",
    "MarketDrift": "freshness",
    "DataTooOld": "data_age",
    "DataFromTheFuture": "data_age",
    "LaneNotOpen": "lane",
    "UnknownMarket": "market",
    "CapCutTooDeep": "step",
    "CutTooSoon": "delay",
    "NothingToLower": "unchanged",
    "AboveCeilingByInference": "ceiling_by_inference",
    "NewlyLiquidatable": "newly_liquidatable",
    "MarketsNotAscending": "batch",
    "RampTooLong": "step",
    "RampTooSoon": "delay",
    "RampRunning": "ramp",
    "RampMoved": "compare_and_swap",
    "NoRamp": "ramp",
    "CapNotWhole": "cap_unit",
    "FieldAbsent": "disabled",
    "ForeignWrites": "compare_and_swap",
    "ForeignFactory": "compare_and_swap",
    "CapMoved": "compare_and_swap",
    "CapWriteDiffers": "post_state",
    "CapUnchanged": "unchanged",
    "GrowthOutOfBand": "band",
    "GrowthStepTooLarge": "step",
    "RatioStepTooLarge": "step",
    "RatioAboveLive": "price_cap",
    "SnapshotBackwards": "snapshot",
    "SnapshotNotCoupled": "coupling",
    "SnapshotTooYoung": "snapshot",
    "CapTooSoon": "delay",
    "PriceCapBelowRatio": "price_cap",
    "PriceCapTooHigh": "price_cap",
}
HINTS = {
    "MarketDrift": "the proposal stays executable until its grace ends; wait until the market is back",
    "StepTooLarge": "split the change",
    "TooSoon": "wait",
    "LaneNotOpen": "a cut goes to FastLane, everything else to the governor",
    "NotFast": "bring it to the governor",
    "RampTooSoon": "wait",
    "NewlyLiquidatable": "let borrowers repay first; the proposal stays executable until its grace ends",
    "PriceCapBelowRatio": "take a newer ratio or an older snapshot; both belong to one moment",
    "ForeignWrites": "let whoever wrote it make it live, or take it back",
    "GovernorUnexpectedProposalState": "look at the proposal's state first",
}
ENUMS = {
    "Field": PARAMETER_FIELDS,
    "Lane": ("NONE", "FAST", "RAMP", "SLOW"),
    "FastLane.CutState": ("UNKNOWN", "WAITING", "READY", "EXECUTED", "LAPSED"),
    "IGovernor.ProposalState": (
        "Pending",
        "Active",
        "Canceled",
        "Defeated",
        "Succeeded",
        "Queued",
        "Expired",
        "Executed",
    ),
}


def refusal_of(error: Any) -> TribunateError | None:
    """Return the named error of a JSON-RPC error with revert data, or ``None`` if it is not one."""
    data = error.get("data") if isinstance(error, dict) else None
    if isinstance(data, dict):
        data = data.get("data")
    if not isinstance(data, str) or len(data) < 10:
        return None
    name, arguments = decode_revert(bytes.fromhex(data[2:]))
    found = f"{name}({arguments})"
    rule = GUARDRAIL_RULES.get(name)
    if rule is not None:
        return GuardrailError(found, rule=rule, hint=HINTS.get(name, ""))
    return GovernanceError(found, hint=HINTS.get(name, ""))


def decode_revert(data: bytes) -> tuple[str, str]:
    """Return the error's name and its arguments as text; an unknown one by its bytes."""
    entry = _errors().get(data[:4])
    if entry is None:
        return "UnknownError", "0x" + data.hex()
    inputs = entry["inputs"]
    try:
        values = decode([collapse_if_tuple(item) for item in inputs], data[4:])
    except DecodingError:
        return entry["name"], "0x" + data[4:].hex()
    pairs = zip(inputs, values, strict=True)
    return entry["name"], ", ".join(f"{item['name']}={_show(item, value)}" for item, value in pairs)


def _show(item: dict[str, Any], value: Any) -> str:
    names = ENUMS.get(item.get("internalType", "").removeprefix("enum "))
    if names is not None and value < len(names):
        return str(names[value])
    if isinstance(value, bytes):
        text = value.rstrip(b"\0")
        return (
            text.decode() if text.isascii() and text.decode().isprintable() and text else "0x" + value.hex()
        )
    return str(value)


@cache
def _errors() -> dict[bytes, Any]:
    entries = {
        keccak(text=f"{builtin['name']}({','.join(i['type'] for i in builtin['inputs'])})")[:4]: builtin
        for builtin in _BUILTIN
    }
    for path in sorted((FOLDER / "artifacts").glob("*.json")):
        if path.stem == "manifest":
            continue
        for entry in json.loads(path.read_text(encoding="utf-8"))["abi"]:
            if entry["type"] == "error":
                types = ",".join(collapse_if_tuple(item) for item in entry["inputs"])
                entries[keccak(text=f"{entry['name']}({types})")[:4]] = entry
    return entries


_BUILTIN: tuple[dict[str, Any], ...] = (
    {"name": "Error", "inputs": [{"name": "message", "type": "string"}]},
    {"name": "Panic", "inputs": [{"name": "code", "type": "uint256"}]},
)
