"""What an agent does in an epoch besides talking: read, judge, reconsider, assess.

Everything here is synchronous and runs in a worker thread; the shell (agents/agent.py) turns the answers
into events of the negotiation machine.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from core.cascade import Liquidity
from core.epoch import clamp, quorum
from core.errors import ChainError
from core.evidence import sha256
from core.mandate import Mandate, breaches
from core.market import MarketSnapshot, Scalar
from core.messages import Phase, SignedMessage
from core.negotiation import Assess, Assessed, Event, Judged, Reconsider, Reconsidered, Refused
from core.ports import GovernanceReader, MarketSource, SeatTable, Strategy
from core.position import Position
from core.recommendation import Observation, Recommendation
from core.units import Bps
from core.update import ParameterUpdate


class EvidenceWriter(Protocol):
    """Writes an agent's bundle for one epoch and returns its roots."""

    def write(
        self, epoch: int, observation: Observation, recommendation: Recommendation
    ) -> Mapping[str, str]:
        """Return ``bundle_root``, ``data_root`` and the explanation's SHA-256, in hex."""
        ...


@dataclass(frozen=True, slots=True)
class MarketAssumptions:
    """What the chain does not say of a market: declared once for all agents, in the deployment."""

    liquidity: Liquidity
    close_factor_bps: Bps
    paths: int
    debt_to_wad: int = 10**12


@dataclass(frozen=True, slots=True)
class Desk:
    """One agent's eyes and judgement.  ``sign_update`` returns (digest, signature) of an update."""

    strategy: Strategy
    mandate: Mandate
    mandate_hash: bytes
    market: str
    seats: SeatTable
    reader: GovernanceReader
    source: MarketSource
    evidence: EvidenceWriter
    assumptions: MarketAssumptions
    sign_update: Callable[[ParameterUpdate], tuple[bytes, bytes]]
    report: Callable[[dict[str, Any]], None]

    def announce_body(self, scalar: Scalar, block: int | None = None) -> dict[str, Any]:
        """Return the announce that follows from the chain at ``block``, the same for every honest agent."""
        snapshot = self.reader.market_snapshot(block)
        lowest, highest = self.reader.negotiable(scalar, snapshot.block_number)
        return {
            "market": self.market,
            "scalar": scalar.value,
            "block": snapshot.block_number,
            "timestamp": snapshot.timestamp,
            "mandate_hash": self.mandate_hash.hex(),
            "seat_table_hash": self.seats.table_hash.hex(),
            "seats": {str(seat.agent_id): seat.wallet for seat in self.seats.seats},
            "quorum": quorum(len(self.seats.seats)),
            "current": snapshot.parameters.as_dict(),
            "lowest": lowest,
            "highest": highest,
            "margin_bps": int(self.mandate.margin_bps),
        }

    def judge(self, epoch: int, announce: SignedMessage, scalar: Scalar) -> Event:
        """Check the announce against the chain, ask the strategy, and write the evidence."""
        body = announce.body()
        block = body.get("block")
        if type(block) is not int or block < 0:
            return Refused(announce.agent_id, f"the announce names no usable block: {block!r}")
        try:
            own = self.announce_body(scalar, block)
        except ChainError as error:  # the next keeper may name a block that can be read
            return Refused(announce.agent_id, f"the announced block cannot be read: {error.found}")
        different = [name for name in sorted({*own, *body}) if _differ(own, body, name)]
        if different:
            return Refused(announce.agent_id, f"the announce contradicts the chain: {', '.join(different)}")
        snapshot = self.reader.market_snapshot(own["block"])
        observation = self.observe(snapshot, scalar, seed=seed_of(announce.digest))
        recommendation = self.strategy.recommend(observation)
        roots = self.evidence.write(epoch, observation, recommendation)
        self.report(recommendation_event(epoch, recommendation, snapshot))
        reveal = {
            "bound": recommendation.bound,
            "binding": [limit.value for limit in recommendation.binding],
            "forecast": [[q.horizon_hours, int(q.level_bps), q.value_e8] for q in recommendation.forecast],
            "salt": secrets.token_hex(16),
            **roots,
        }
        return Judged(snapshot, own["lowest"], own["highest"], reveal)

    def observe(
        self, snapshot: MarketSnapshot, scalar: Scalar, *, seed: int, only: int | None = None
    ) -> Observation:
        """Return what the strategy is shown; ``only`` narrows the candidates to one value."""
        limits = self.reader.limits(snapshot.block_number)[scalar]
        positions = self.reader.positions(snapshot.block_number)
        scale = self.assumptions.debt_to_wad
        return Observation(
            snapshot=snapshot,
            scalar=scalar,
            mandate=self.mandate,
            history=self.source.history(snapshot.timestamp),
            positions=tuple(Position(p.account, p.collateral, p.debt * scale) for p in positions),
            liquidity=self.assumptions.liquidity,
            close_factor_bps=self.assumptions.close_factor_bps,
            floor=limits.floor if only is None else only,
            ceiling=limits.ceiling if only is None else only,
            seed=seed,
            paths=self.assumptions.paths,
        )

    def reconsider(self, judged: Judged, scalar: Scalar, effect: Reconsider) -> Reconsidered:
        """Simulate the standing candidate over fresh paths; lower the bound if it is not safe there."""
        bound, candidate = effect.bound, effect.candidate
        if bound is None or candidate is None:
            return Reconsidered({"bound": bound, "evidence": "none"})
        value = clamp(candidate, lowest=judged.lowest, highest=judged.highest)
        if bound < value or value == judged.snapshot.parameters.field(scalar):
            return Reconsidered({"bound": bound, "evidence": "none"})
        fresh = self._bound_for(judged.snapshot, scalar, value, seed=effect.seed)
        if fresh is not None and fresh >= value:
            return Reconsidered({"bound": bound, "evidence": "fresh_paths", "seed": effect.seed})
        again = self.strategy.recommend(self.observe(judged.snapshot, scalar, seed=effect.seed)).bound
        # nothing is safe there: no further than where the epoch may leave the value
        lower = judged.lowest if again is None else again
        return Reconsidered({"bound": min(bound, lower), "evidence": "fresh_paths", "seed": effect.seed})

    def _bound_for(self, snapshot: MarketSnapshot, scalar: Scalar, value: int, *, seed: int) -> int | None:
        return self.strategy.recommend(self.observe(snapshot, scalar, seed=seed, only=value)).bound

    def assess(
        self, judged: Judged, scalar: Scalar, effect: Assess, *, bound: int | None, seed: int
    ) -> Assessed:
        """Simulate the whole vector again, over the paths of the judgement, and sign it, or say why not."""
        update = effect.update
        value = update.proposed.field(scalar)
        if bound is None or bound < value:
            return Assessed(Phase.DISSENT, {"value": bound, "reason": "above_own_bound"})
        again = self.strategy.recommend(self.observe(judged.snapshot, scalar, seed=seed, only=value))
        if again.bound is None or again.bound < value:
            return Assessed(Phase.DISSENT, {"value": bound, "reason": "unsafe_when_simulated_again"})
        broken = [b for o in again.outcomes if o.value == value for b in breaches(o, self.mandate)]
        if broken:
            return Assessed(Phase.DISSENT, {"value": bound, "reason": f"breaks_{broken[0].value}"})
        digest, signature = self.sign_update(update)
        body = {"update_digest": digest.hex(), "update_signature": signature.hex(), "value": value}
        return Assessed(Phase.AGREE, body)


def _differ(own: Mapping[str, Any], announced: Mapping[str, Any], name: str) -> bool:
    return name not in own or name not in announced or own[name] != announced[name]


def seed_of(digest: bytes) -> int:
    """Return the simulation seed that a digest stands for: nobody chooses it alone."""
    return int.from_bytes(sha256(digest)[:4], "big")


def recommendation_event(
    epoch: int, recommendation: Recommendation, snapshot: MarketSnapshot
) -> dict[str, Any]:
    """Return what people are shown of a recommendation."""
    at_bound = next((o for o in recommendation.outcomes if o.value == recommendation.bound), None)
    return {
        "type": "recommendation",
        "epoch": epoch,
        "current": snapshot.parameters.field(recommendation.scalar),
        "bound": recommendation.bound,
        "reason": recommendation.reason,
        "binding": [limit.value for limit in recommendation.binding],
        "bad_debt_es_975_nano": None if at_bound is None else at_bound.bad_debt_es_975_nano,
        "borrowing_power_nano": None if at_bound is None else at_bound.borrowing_power_nano,
        "model": dict(recommendation.model),
    }
