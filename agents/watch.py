"""What proves an emergency: the price's fall, read on chain and in an agent's own data.

A call says which block it looked at, the oracle's price there, and the highest price of the 24 h before in
its author's own source.  A peer reads the block itself; its own source, which may be another, must show at
least half of the fall that the mandate asks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agents.desk import Desk, seed_of
from core.calls import (
    CALL_LOOK_BACK_SECONDS,
    CALL_MAX_AGE_SECONDS,
    CALL_SCALAR,
    extraordinary_epoch,
    fall_bps,
)
from core.errors import ChainError
from core.evidence import canonical_json, sha256
from core.market import MarketSnapshot


@dataclass(frozen=True, slots=True)
class Watch:
    """One agent's eye on the price; synchronous, runs in a worker thread."""

    desk: Desk

    def fall(self) -> dict[str, Any] | None:
        """Return what a call would say now, or ``None`` while the price has not fallen far enough."""
        reader = self.desk.reader
        price, _ = reader.oracle()
        if not self._fallen(price, self.highest(reader.chain_time())):
            return None
        snapshot = reader.market_snapshot()
        highest = self.highest(snapshot.timestamp)
        if highest is None or not self._fallen(snapshot.oracle_price, highest):
            return None
        return self._facts(snapshot, highest)

    def _fallen(self, price: int, highest: int | None) -> bool:
        return highest is not None and fall_bps(highest, price) >= self.desk.mandate.fast_price_fall_bps

    def _facts(self, snapshot: MarketSnapshot, highest: int) -> dict[str, Any]:
        return {
            "market": self.desk.market,
            "scalar": CALL_SCALAR.value,
            "mandate_hash": self.desk.mandate_hash.hex(),
            "block": snapshot.block_number,
            "timestamp": snapshot.timestamp,
            "oracle_price": snapshot.oracle_price,
            "highest": highest,
        }

    def highest(self, time: int) -> int | None:
        """Return the highest price of one's own source in the 24 h to ``time``; ``None`` without any bar."""
        history = self.desk.source.history(time)
        first = int(history.times.searchsorted(time - CALL_LOOK_BACK_SECONDS))
        return int(history.closes_e8[first:].max()) if first < len(history) else None

    def wants_cut(self, facts: dict[str, Any]) -> bool:
        """Return whether this agent's own judgement puts the LTV below what stands, at that block."""
        desk = self.desk
        snapshot = desk.reader.market_snapshot(facts["block"])
        seed = seed_of(sha256(canonical_json(facts)))
        observation = desk.observe(snapshot, CALL_SCALAR, seed=seed, fast=True)
        bound = desk.strategy.recommend(observation).revealed_bound
        return bound is not None and bound < snapshot.parameters.ltv_bps

    def fault(self, epoch: int, claim: dict[str, Any]) -> str:
        """Say why this agent does not believe a peer's call (empty when it does)."""
        block, claimed = claim.get("block"), claim.get("highest")
        if type(block) is not int or block < 0 or type(claimed) is not int:
            return f"the call names no usable block and price: {block!r}, {claimed!r}"
        try:
            snapshot = self.desk.reader.market_snapshot(block)
        except ChainError as error:
            return f"the call's block cannot be read: {error.found}"
        facts = self._facts(snapshot, claimed)
        different = [name for name in sorted({*facts, *claim}) if facts.get(name) != claim.get(name)]
        if different:
            return f"the call contradicts the chain: {', '.join(different)}"
        return self._time_fault(epoch, snapshot) or self._fall_fault(snapshot, claimed)

    def _time_fault(self, epoch: int, snapshot: MarketSnapshot) -> str:
        if epoch != extraordinary_epoch(snapshot.timestamp):
            return f"epoch {epoch} does not belong to the call's block"
        age = self.desk.reader.chain_time() - snapshot.timestamp
        return f"the call is {age} s old" if age > CALL_MAX_AGE_SECONDS else ""

    def _fall_fault(self, snapshot: MarketSnapshot, claimed: int) -> str:
        limit, price = self.desk.mandate.fast_price_fall_bps, snapshot.oracle_price
        if not self._fallen(price, claimed):
            return f"the call shows a fall of {fall_bps(claimed, price)} bps, {limit} are needed"
        highest = self.highest(snapshot.timestamp)
        if highest is None:
            return "there is no price of one's own for the last 24 h"
        seen = fall_bps(highest, price)
        return f"one's own data show a fall of {seen} bps only" if 2 * seen < limit else ""
