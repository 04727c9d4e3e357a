"""An attack that needs the market: lift the oracle, borrow against the lifted price, leave.

    buy ─► price rises by x for k blocks ─► deposit collateral ─► borrow at LTV x lifted price ─► leave
                                                                  └► the collateral is abandoned

It pays when LTV x (1 + rise) is above one and what is borrowed beyond the collateral's true worth
exceeds the cost of moving the price.  Three defences can be switched on: the *supply cap* bounds the
collateral; *guardrails* bound how far a parameter change may have lifted the LTV beforehand (one step
instead of the ceiling); *freshness* refuses a change that was signed under the lifted price, so that the
standing LTV is what the attacker meets.

Cost of moving the price: linear impact with exponential resilience (Obizhaeva and Wang 2013), as in
core.cascade, and an oracle that averages over a window of blocks.  Sources of the pattern: Mango
Markets, October 2022; Cream, October 2021.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from itertools import combinations

from core.cascade import Liquidity
from core.errors import SimulationError
from core.guardrails import DEFAULT_LIMITS, largest_step_up
from core.lending import Decimals, max_borrow
from core.market import MarketSnapshot, Scalar
from core.units import BPS_ONE, PRICE_ONE, WAD, Bps

BLOCK_SECONDS = 12
BLOCKS = (1, 5, 10, 25, 50, 75, 150, 300)
RISES_BPS = (
    *range(50, BPS_ONE, 50),
    *range(BPS_ONE, 10 * BPS_ONE, 10_00),
    *range(10 * BPS_ONE, 60 * BPS_ONE, BPS_ONE),
)
"""Up to sixty times the price (Mango Markets saw about tenfold)."""


class Defence(StrEnum):
    """What can be switched on."""

    SUPPLY_CAP = "supply cap"
    GUARDRAILS = "guardrails"
    FRESHNESS = "freshness"


@dataclass(frozen=True, slots=True)
class OracleTerms:
    """The oracle averages over ``window_blocks``; each trade costs ``fee_bps``."""

    window_blocks: int = 25
    fee_bps: Bps = Bps(5)


@dataclass(frozen=True, slots=True)
class Attack:
    """One plan and what it yields, in whole USD (rounded against the attacker)."""

    rise_bps: int
    blocks: int
    ltv_bps: int
    collateral_usd: int
    borrowed_usd: int
    cost_usd: int
    profit_usd: int


@dataclass(frozen=True, slots=True)
class Finding:
    """The cheapest attack that pays and the most profitable one; ``None``: there is none."""

    defences: tuple[Defence, ...]
    tried: int
    cheapest: Attack | None
    most_profitable: Attack | None


@dataclass(frozen=True, slots=True)
class SpikeReport:
    """Findings under every combination of defences."""

    market: str
    findings: tuple[Finding, ...]

    def to_json(self) -> str:
        """Return the report as JSON."""
        return json.dumps(asdict(self), indent=1)

    def render(self) -> str:
        """Return the report as text."""
        lines = [f"oracle spike on {self.market}: lift the price, borrow, leave", ""]
        lines.append(f"{'defences':<38}{'cheapest profitable attack':<46}{'largest profit':>16}")
        for finding in self.findings:
            name = ", ".join(finding.defences) or "none"
            lines.append(f"{name:<38}{_line(finding.cheapest):<46}{_profit(finding.most_profitable):>16}")
        lines.append(
            f"\n{self.findings[0].tried} plans tried for each row; modelled liquidity, not a real venue"
        )
        return "\n".join(lines) + "\n"


def search_spikes(
    snapshot: MarketSnapshot, liquidity: Liquidity, *, oracle: OracleTerms | None = None
) -> SpikeReport:
    """Return the best attacks under every combination of defences.

    Raises:
        SimulationError: the market has no price or no supply.
    """
    if snapshot.oracle_price <= 0 or snapshot.total_debt_supply <= 0:
        raise SimulationError("the market has no price or no supply", allowed="both above 0")
    terms = oracle or OracleTerms()
    sets = [chosen for size in range(4) for chosen in combinations(Defence, size)]
    return SpikeReport(
        snapshot.market, tuple(_finding(snapshot, liquidity, terms, chosen) for chosen in sets)
    )


def _finding(
    snapshot: MarketSnapshot, liquidity: Liquidity, terms: OracleTerms, defences: tuple[Defence, ...]
) -> Finding:
    plans = list(_plans(snapshot, liquidity, terms, defences))
    paying = [plan for plan in plans if plan.profit_usd > 0]
    # The cheapest plan may take less collateral than the richest: scale it to where it just pays.
    scaled = [_just_paying(plan, snapshot) for plan in paying]
    return Finding(
        defences=defences,
        tried=len(plans),
        cheapest=min(scaled, key=lambda plan: (plan.cost_usd, plan.collateral_usd), default=None),
        most_profitable=max(paying, key=lambda plan: plan.profit_usd, default=None),
    )


def _plans(
    snapshot: MarketSnapshot, liquidity: Liquidity, terms: OracleTerms, defences: tuple[Defence, ...]
) -> Iterator[Attack]:
    ltv = met_ltv(snapshot, defences)
    for rise in RISES_BPS:
        for blocks in BLOCKS:
            collateral = largest_collateral(snapshot, ltv, rise_bps=rise, defences=defences)
            cost = cost_to_move(liquidity, terms, rise_bps=rise, blocks=blocks)
            yield evaluate(snapshot, ltv, rise_bps=rise, blocks=blocks, collateral=collateral, cost_usd=cost)


def met_ltv(snapshot: MarketSnapshot, defences: tuple[Defence, ...]) -> Bps:
    """Return the LTV that the attacker meets.

    Freshness: the standing one.  Guardrails alone: one step above it.  Neither: the highest that a valid
    market may have (a change signed under the lifted price goes through as far as the ceiling).
    """
    standing = snapshot.parameters.ltv_bps
    limits = DEFAULT_LIMITS[Scalar.LTV]
    if Defence.FRESHNESS in defences:
        return standing
    if Defence.GUARDRAILS in defences:
        return Bps(min(largest_step_up(int(standing), limits), limits.ceiling))
    return Bps(max(int(standing), limits.ceiling))


def largest_collateral(
    snapshot: MarketSnapshot, ltv: Bps, *, rise_bps: int, defences: tuple[Defence, ...]
) -> int:
    """Return the collateral (base units) that empties the pool, or the supply cap's room if that is on."""
    lifted = snapshot.oracle_price * (BPS_ONE + rise_bps) // BPS_ONE
    available = snapshot.total_debt_supply - snapshot.total_borrow
    decimals = Decimals()  # a whole coin is a wad
    per_coin = max_borrow(WAD, price=lifted, ltv_bps=ltv, decimals=decimals)
    enough = available * WAD // max(1, per_coin)
    if Defence.SUPPLY_CAP not in defences:
        return enough
    return min(enough, max(0, snapshot.parameters.supply_cap - snapshot.total_collateral))


def cost_to_move(liquidity: Liquidity, terms: OracleTerms, *, rise_bps: int, blocks: int) -> int:
    """Return the USD that it costs to lift the oracle by ``rise_bps`` within ``blocks``, rounded up.

    The averaged price rises by the spot rise times the share of the window that is covered.  Lifting the
    spot price by x costs ``depth x^2 / 2``; holding it replaces what flows back in every block.
    """
    covered = min(blocks, terms.window_blocks) / terms.window_blocks
    rise = rise_bps / BPS_ONE / covered
    depth = float(liquidity.depth / WAD)
    lost_per_block = 1.0 - pow(liquidity.resilience / WAD, BLOCK_SECONDS / 3600)
    lift = depth * rise * rise / 2
    hold = depth * rise * rise * lost_per_block * blocks
    fees = 2 * depth * rise * int(terms.fee_bps) / BPS_ONE
    return int(lift + hold + fees) + 1


def evaluate(
    snapshot: MarketSnapshot, ltv: Bps, *, rise_bps: int, blocks: int, collateral: int, cost_usd: int
) -> Attack:
    """Return what a plan yields by the rules of ``core.lending``."""
    lifted = snapshot.oracle_price * (BPS_ONE + rise_bps) // BPS_ONE
    decimals = Decimals()
    available = snapshot.total_debt_supply - snapshot.total_borrow
    borrowed = min(available, max_borrow(collateral, price=lifted, ltv_bps=ltv, decimals=decimals))
    worth = -(-collateral * snapshot.oracle_price // (PRICE_ONE * 10**decimals.collateral))
    borrowed_usd = borrowed // 10**decimals.debt
    return Attack(rise_bps, blocks, int(ltv), worth, borrowed_usd, cost_usd, borrowed_usd - worth - cost_usd)


def _just_paying(plan: Attack, snapshot: MarketSnapshot) -> Attack:
    """Return the plan with the least collateral whose gain still covers the cost by a dollar."""
    gain = plan.borrowed_usd - plan.collateral_usd
    share = min(1.0, (plan.cost_usd + 2) / gain)
    coins = int(plan.collateral_usd * share + 1) * PRICE_ONE * WAD // snapshot.oracle_price
    smaller = evaluate(
        snapshot,
        Bps(plan.ltv_bps),
        rise_bps=plan.rise_bps,
        blocks=plan.blocks,
        collateral=coins,
        cost_usd=plan.cost_usd,
    )
    return smaller if smaller.profit_usd > 0 else replace(plan)


def _line(attack: Attack | None) -> str:
    if attack is None:
        return "none found"
    rise = f"+{attack.rise_bps / 100:.0f} % for {attack.blocks} blocks"
    return f"{rise}, cost {attack.cost_usd:,} USD"


def _profit(attack: Attack | None) -> str:
    return "none" if attack is None else f"{attack.profit_usd:,} USD"
