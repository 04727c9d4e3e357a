"""What a run's folder says around an update on chain: who its agents are, what they revealed and wrote."""

from __future__ import annotations

from core.messages import Phase
from core.ports import SeatTable
from tribunate.events import read_events, recompute_epoch
from tribunate.run_folder import RunFolder, plain_address, read_json


def seat_names(folder: RunFolder | None, seats: SeatTable) -> dict[str, str]:
    """Return wallet -> a name that people know: the run's agent, else family and operator."""
    known = {} if folder is None else folder.agent_names()
    return {
        seat.wallet: known.get(plain_address(seat.wallet), f"{seat.family} of {seat.operator}")
        for seat in seats.seats
    }


def revealed_bounds(folder: RunFolder | None, epoch: int) -> dict[int, int | None]:
    """Return each certified agent's standing bound, from the run's signed messages."""
    if folder is None or not folder.events.is_file():
        return {}
    return recompute_epoch(read_events(folder.events), epoch).bounds


def explanations_of(folder: RunFolder | None, epoch: int) -> dict[str, str]:
    """Return what each agent wrote about its recommendation, by name."""
    if folder is None:
        return {}
    files = sorted((folder.path / "agents").glob(f"*/epoch-{epoch}/explanation.json"))
    return {file.parent.parent.name: str(read_json(file).get("text", "")) for file in files}


def caller_of(folder: RunFolder | None, epoch: int) -> int | None:
    """Return the agent whose call opened an extraordinary epoch: the one that its announce carries."""
    if folder is None or not folder.events.is_file():
        return None
    messages = (e.message for e in read_events(folder.events) if e.message.epoch == epoch)
    announces = [m.body() for m in messages if m.phase is Phase.ANNOUNCE]
    return int(announces[0]["call"]["agent_id"]) if announces and "call" in announces[0] else None
