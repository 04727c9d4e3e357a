"""One liquidation call, in USD at the oracle's prices: who may be called on, for how much, and at what gain.

Sources: Aave V3 ``LiquidationLogic`` (3.0.2 and 3.3; ``core/aave.py`` has the integers); Compound III
``Comet.absorb`` and ``quoteCollateral``; Warmuz, Chaudhary and Pinna 2022 (toxic liquidation spirals).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from core.pool.account import PoolAccount
from core.pool.terms import LiquidationRule, PoolTerms, share, worth

SMALL_POSITION_USD = Decimal(2_000)
"""Aave from 3.3 on: below this worth of the collateral or the debt, one call may repay all of it."""

LEAST_LEFTOVER_USD = Decimal(1_000)
"""Aave from 3.3 on: a call that closes neither side must leave at least this on both."""

LEAST_CALL_USD = Decimal("0.01")
"""Nobody calls for less, as when capital is used up but for a rounding."""


@dataclass(frozen=True, slots=True)
class Call:
    """What one call does.

    ``repaid`` by debt asset and ``taken`` by collateral asset, tokens; ``sold`` is the part of ``taken`` that
    goes to market.  ``paid_usd`` is the liquidator's outlay, ``fee_usd`` the protocol's gain,
    ``bad_debt_usd`` what is written off; ``is_toxic`` says that the call lowers the health factor.
    """

    repaid: tuple[Decimal, ...]
    taken: tuple[Decimal, ...]
    sold: tuple[Decimal, ...]
    paid_usd: Decimal
    fee_usd: Decimal
    bad_debt_usd: Decimal
    refund_usd: Decimal
    is_toxic: bool


def weighted_worth(
    account: PoolAccount, prices: tuple[Decimal, ...], terms: PoolTerms, *, by: str
) -> Decimal:
    """Return the collateral's worth times its ``threshold_bps`` or ``ltv_bps``, USD."""
    shares = terms.table(by)[account.mode]
    weights = [price * share(bps) for price, bps in zip(prices, shares, strict=True)]
    return worth(account.collateral, weights)


def largest(amounts: tuple[Decimal, ...], prices: tuple[Decimal, ...], *, among: tuple[bool, ...]) -> int:
    """Return the asset of the largest worth above zero among those allowed; -1 if there is none.

    >>> largest((Decimal(1), Decimal(3)), (Decimal(5), Decimal(1)), among=(True, True))
    0
    """
    best, most = -1, Decimal(0)
    for asset, (amount, price) in enumerate(zip(amounts, prices, strict=True)):
        if among[asset] and amount * price > most:
            best, most = asset, amount * price
    return best


def call_on(
    account: PoolAccount,
    prices: tuple[Decimal, ...],
    terms: PoolTerms,
    *,
    seizable: tuple[bool, ...],
    capital_usd: Decimal,
) -> Call | None:
    """Return the call that a liquidator would make on an unhealthy account, ``None`` if there is none."""
    if terms.rule is LiquidationRule.COMET:
        return _absorb(account, prices, terms, capital_usd=capital_usd)
    return _liquidation_call(account, prices, terms, seizable=seizable, capital_usd=capital_usd)


def _liquidation_call(
    account: PoolAccount,
    prices: tuple[Decimal, ...],
    terms: PoolTerms,
    *,
    seizable: tuple[bool, ...],
    capital_usd: Decimal,
) -> Call | None:
    count = len(prices)
    seized = largest(account.collateral, prices, among=seizable)
    owed_asset = largest(account.debt, prices, among=(True,) * count)
    if seized < 0 or owed_asset < 0:
        return None
    value = account.collateral[seized] * prices[seized]
    owed, total = account.debt[owed_asset] * prices[owed_asset], worth(account.debt, prices)
    weighted = weighted_worth(account, prices, terms, by="threshold_bps")
    bonus = share(terms.table("bonus_bps")[account.mode][seized])
    repaid = min(_closable(value, owed, terms=terms, total=total, weighted=weighted), capital_usd)
    taken = repaid * (1 + bonus)
    if taken >= value:
        taken, repaid = value, value / (1 + bonus)
    if terms.rule is LiquidationRule.AAVE_3_3 and _leaves_dust(value - taken, owed - repaid):
        repaid = min(owed - LEAST_LEFTOVER_USD, (value - LEAST_LEFTOVER_USD) / (1 + bonus), repaid)
        taken = repaid * (1 + bonus)
    if repaid < LEAST_CALL_USD:
        return None
    fee = (taken - taken / (1 + bonus)) * share(terms.assets[seized].fee_bps)
    others = worth(account.collateral, prices) - value
    is_emptied = taken == value and others == 0
    threshold = share(terms.table("threshold_bps")[account.mode][seized])
    return Call(
        repaid=_only(
            owed_asset,
            account.debt[owed_asset] if repaid == owed else repaid / prices[owed_asset],
            count,
        ),
        taken=_only(seized, account.collateral[seized] if taken == value else taken / prices[seized], count),
        sold=_only(seized, (taken - fee) / prices[seized], count),
        paid_usd=repaid,
        fee_usd=fee,
        bad_debt_usd=total - repaid if is_emptied else Decimal(0),
        refund_usd=Decimal(0),
        is_toxic=weighted < (1 + bonus) * threshold * total,
    )


def _closable(
    value: Decimal, owed: Decimal, *, terms: PoolTerms, total: Decimal, weighted: Decimal
) -> Decimal:
    """Return the most of the chosen debt that one call may repay, USD."""
    if weighted < total * share(terms.full_close_below_bps):
        return owed
    if terms.rule is LiquidationRule.AAVE_3_0:
        return owed * share(terms.close_factor_bps)
    if min(value, owed) < SMALL_POSITION_USD:
        return owed
    return min(owed, total * share(terms.close_factor_bps))


def _leaves_dust(collateral: Decimal, debt: Decimal) -> bool:
    return min(collateral, debt) > 0 and min(collateral, debt) < LEAST_LEFTOVER_USD


def _absorb(
    account: PoolAccount, prices: tuple[Decimal, ...], terms: PoolTerms, *, capital_usd: Decimal
) -> Call | None:
    """Take the whole account; buyers pay for all collateral at a discount, or nobody absorbs."""
    values = [amount * price for amount, price in zip(account.collateral, prices, strict=True)]
    total = worth(account.debt, prices)
    credit = sum(
        (v * (1 - share(a.penalty_bps)) for v, a in zip(values, terms.assets, strict=True)), Decimal(0)
    )
    paid = sum(
        (v * (1 - share(a.discount_bps)) for v, a in zip(values, terms.assets, strict=True)), Decimal(0)
    )
    if paid > capital_usd or total <= 0:
        return None
    refund = max(Decimal(0), credit - total)
    return Call(
        repaid=account.debt,
        taken=account.collateral,
        sold=account.collateral,
        paid_usd=paid,
        fee_usd=max(Decimal(0), paid - total - refund),
        bad_debt_usd=max(Decimal(0), total + refund - paid),
        refund_usd=refund,
        is_toxic=False,
    )


def _only(asset: int, amount: Decimal, count: int) -> tuple[Decimal, ...]:
    return tuple(amount if number == asset else Decimal(0) for number in range(count))
