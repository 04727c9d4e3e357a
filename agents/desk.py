"""What an agent does in an epoch besides talking: read, judge, reconsider, assess.

Everything here is synchronous and runs in a worker thread; the shell (agents/agent.py) turns the answers
into events of the negotiation machine.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from core.calls import is_extraordinary, lowest_cut_bps
from core.cascade import Liquidity
from core.epoch import clamp, quorum
from core.errors import ChainError
from core.evidence import sha256
from core.mandate import Limit, Mandate, SimulatedOutcome, breaches
from core.market import MarketSnapshot, Scalar
from core.messages import Phase, SignedMessage
from core.negotiation import Assess, Assessed, Event, Judged, Reconsider, Reconsidered, Refused
from core.ports import GovernanceReader, MarketSource, ModelBook, SeatTable, Strategy
from core.position import Position
from core.ramp import RAMP_STEP_BPS
from core.recommendation import Observation, Recommendation
from core.units import Bps
from core.update import ParameterUpdate

SAFER_DOWN = frozenset({Scalar.LTV, Scalar.LIQUIDATION_THRESHOLD})
"""A lower value never adds risk to the market as a whole, whatever it costs those who are struck."""

DISRUPTION = frozenset({Limit.NEWLY_LIQUIDATABLE, Limit.BORROWING_POWER_LOSS})
"""What bounds a move towards safety: not the value that it leads to, but whom it strikes on the way."""


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
    """One agent's eyes and judgement.

    ``sign_update`` returns (digest, signature) of an update; ``model_id`` is the id of the agent's registered
    model, empty if it has none.
    """

    strategy: Strategy
    mandate: Mandate
    mandate_hash: bytes
    market: str
    seats: SeatTable
    reader: GovernanceReader
    source: MarketSource
    evidence: EvidenceWriter
    models: ModelBook
    model_id: bytes
    assumptions: MarketAssumptions
    sign_update: Callable[[ParameterUpdate], tuple[bytes, bytes]]
    report: Callable[[dict[str, Any]], None]

    def announce_body(
        self, scalar: Scalar, block: int | None = None, *, call: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the announce that follows from the chain at ``block``, the same for every honest agent.

        An extraordinary epoch's announce carries the signed ``call`` that opened it.
        """
        snapshot = self.reader.market_snapshot(block)
        lowest, highest = self._reach(snapshot, scalar, fast=call is not None)
        opened = {} if call is None else {"call": dict(call)}
        models = self.models.live_models(snapshot.block_number)
        return {
            **opened,
            "market": self.market,
            "scalar": scalar.value,
            "block": snapshot.block_number,
            "timestamp": snapshot.timestamp,
            "mandate_hash": self.mandate_hash.hex(),
            "seat_table_hash": self.seats.table_hash.hex(),
            "seats": {str(seat.agent_id): seat.wallet for seat in self.seats.seats},
            "models": {str(agent): [model.hex() for model in ids] for agent, ids in models.items()},
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
            call = body.get("call") if is_extraordinary(epoch) else None
            own = self.announce_body(scalar, block, call=call)
        except ChainError as error:  # the next keeper may name a block that can be read
            return Refused(announce.agent_id, f"the announced block cannot be read: {error.found}")
        different = [name for name in sorted({*own, *body}) if _differ(own, body, name)]
        if different:
            return Refused(announce.agent_id, f"the announce contradicts the chain: {', '.join(different)}")
        snapshot = self.reader.market_snapshot(own["block"])
        observation = self.observe(snapshot, scalar, seed=seed_of(announce.digest), fast=call is not None)
        recommendation = self.strategy.recommend(observation)
        roots = self.evidence.write(epoch, observation, recommendation)
        self.report(recommendation_event(epoch, recommendation, snapshot))
        reveal = {
            "bound": recommendation.revealed_bound,
            "binding": [limit.value for limit in recommendation.binding],
            "forecast": [[q.horizon_hours, int(q.level_bps), q.value_e8] for q in recommendation.forecast],
            "model_id": self.model_id.hex(),
            "salt": secrets.token_hex(16),
            **roots,
        }
        return Judged(snapshot, own["lowest"], own["highest"], reveal)

    def _reach(self, snapshot: MarketSnapshot, scalar: Scalar, *, fast: bool) -> tuple[int, int]:
        """Return the lowest and highest value of the epoch; one cut takes no more than the mandate allows."""
        if not fast:
            return self.reader.negotiable(scalar, snapshot.block_number)
        lowest, highest = self.reader.negotiable(scalar, snapshot.block_number, fast=True)
        current = snapshot.parameters.field(scalar)
        return max(lowest, lowest_cut_bps(current, self.mandate.borrowing_power_loss_bps)), highest

    def observe(
        self,
        snapshot: MarketSnapshot,
        scalar: Scalar,
        *,
        seed: int,
        only: int | None = None,
        fast: bool = False,
    ) -> Observation:
        """Return what the strategy is shown; ``only`` narrows the candidates to one value.

        A FAST cut knows no floor.
        """
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
            floor=(0 if fast else limits.floor) if only is None else only,
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
        fresh = self._at(judged.snapshot, scalar, value, seed=effect.seed).bound
        if fresh is not None and fresh >= value:
            return Reconsidered({"bound": bound, "evidence": "fresh_paths", "seed": effect.seed})
        again = self.strategy.recommend(self.observe(judged.snapshot, scalar, seed=effect.seed)).bound
        # nothing is safe there: no further than where the epoch may leave the value
        lower = judged.lowest if again is None else again
        return Reconsidered({"bound": min(bound, lower), "evidence": "fresh_paths", "seed": effect.seed})

    def _at(self, snapshot: MarketSnapshot, scalar: Scalar, value: int, *, seed: int) -> Recommendation:
        return self.strategy.recommend(self.observe(snapshot, scalar, seed=seed, only=value))

    def assess(
        self, judged: Judged, scalar: Scalar, effect: Assess, *, bound: int | None, seed: int
    ) -> Assessed:
        """Simulate the whole vector again, over the paths of the judgement, and sign it, or say why not.

        A move down is signed whatever one's own bound: guardrails may stop it above, and it is safer than
        what stands.  It must not strike more borrowers than the mandate allows; of a ramp only the first
        step counts, as the chain looks again at the positions before each further one.
        """
        update = effect.update
        value, current = update.proposed.field(scalar), judged.snapshot.parameters.field(scalar)
        down = scalar in SAFER_DOWN and value < current
        if bound is None or (bound < value and not down):
            return Assessed(Phase.DISSENT, {"value": bound, "reason": "above_own_bound"})
        again = self._at(judged.snapshot, scalar, value, seed=seed)
        if not down and (again.bound is None or again.bound < value):
            return Assessed(Phase.DISSENT, {"value": bound, "reason": "unsafe_when_simulated_again"})
        broken = self._broken(_outcome_at(again, value), down=down)
        if down and scalar is Scalar.LIQUIDATION_THRESHOLD:
            first = max(value, current - RAMP_STEP_BPS)
            broken = broken - {Limit.NEWLY_LIQUIDATABLE}
            step = again if first == value else self._at(judged.snapshot, scalar, first, seed=seed)
            broken |= self._broken(_outcome_at(step, first), down=True)
        if broken:
            return Assessed(Phase.DISSENT, {"value": bound, "reason": f"breaks_{min(broken).value}"})
        digest, signature = self.sign_update(update)
        body = {"update_digest": digest.hex(), "update_signature": signature.hex(), "value": value}
        return Assessed(Phase.AGREE, body)

    def _broken(self, outcome: SimulatedOutcome | None, *, down: bool) -> frozenset[Limit]:
        """Return the limits that keep an agent from signing a move to this outcome."""
        broken = frozenset() if outcome is None else frozenset(breaches(outcome, self.mandate))
        return broken & DISRUPTION if down else broken


def _outcome_at(recommendation: Recommendation, value: int) -> SimulatedOutcome | None:
    return next((outcome for outcome in recommendation.outcomes if outcome.value == value), None)


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
        "bound": recommendation.revealed_bound,
        "reason": recommendation.reason,
        "binding": [limit.value for limit in recommendation.binding],
        "bad_debt_es_975_nano": None if at_bound is None else at_bound.bad_debt_es_975_nano,
        "borrowing_power_nano": None if at_bound is None else at_bound.borrowing_power_nano,
        "model": dict(recommendation.model),
    }
