"""What a borrower does when it looks at its position, in USD at the oracle's prices.

Defenders bring the health factor back to ``restored``; loopers borrow, and put what they buy with it up as
collateral, until it has come down to ``looped``.  Buying for a loop moves no price.

Source of the behaviours: notes of risk managers describe them without elasticities (Gauntlet 2022 backtests
borrowers' response and prints none); every share is therefore a setting.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from core.pool.account import Kind, PoolAccount
from core.pool.liquidation import largest, weighted_worth
from core.pool.terms import PoolTerms, share, worth


@dataclass(frozen=True, slots=True)
class Rooms:
    """What caps leave: tokens that may be supplied and borrowed, by asset; USD that isolation leaves."""

    supply: tuple[Decimal, ...]
    borrow: tuple[Decimal, ...]
    isolated_usd: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True)
class Reaction:
    """What changes: collateral added, debt repaid, debt taken; ``asset`` of each, tokens and USD."""

    collateral_asset: int
    debt_asset: int
    added: Decimal
    repaid: Decimal
    borrowed: Decimal
    usd: Decimal


def reaction_of(
    account: PoolAccount, prices: tuple[Decimal, ...], terms: PoolTerms, *, rooms: Rooms
) -> Reaction | None:
    """Return what the account does when it looks, ``None`` for nothing."""
    owed = worth(account.debt, prices)
    if account.kind is Kind.PASSIVE or owed <= 0:
        return None
    everywhere = (True,) * len(prices)
    collateral = largest(account.collateral, prices, among=everywhere)
    debt = largest(account.debt, prices, among=everywhere)
    if collateral < 0:
        return None
    weighted = weighted_worth(account, prices, terms, by="threshold_bps")
    threshold = share(terms.table("threshold_bps")[account.mode][collateral])
    if account.kind is Kind.LOOPS:
        return _loop(
            account,
            prices,
            terms,
            rooms=rooms,
            collateral=collateral,
            debt=debt,
            owed=owed,
            weighted=weighted,
        )
    if weighted >= terms.borrowers.alert * owed or threshold == 0:
        return None
    none = Decimal(0)
    if account.kind is Kind.TOPS_UP:
        missing = (terms.borrowers.restored * owed - weighted) / threshold
        usd = min(missing, account.means_usd, rooms.supply[collateral] * prices[collateral])
        return Reaction(collateral, debt, usd / prices[collateral], none, none, usd) if usd > 0 else None
    surplus = owed - weighted / terms.borrowers.restored
    usd = min(surplus, account.means_usd, account.debt[debt] * prices[debt])
    whole = usd == account.debt[debt] * prices[debt]
    tokens = account.debt[debt] if whole else usd / prices[debt]
    return Reaction(collateral, debt, none, tokens, none, usd) if usd > 0 else None


def _loop(
    account: PoolAccount,
    prices: tuple[Decimal, ...],
    terms: PoolTerms,
    *,
    rooms: Rooms,
    collateral: int,
    debt: int,
    owed: Decimal,
    weighted: Decimal,
) -> Reaction | None:
    """Return how far the account loops: up to its own aim, its LTV, both caps and the isolation ceiling."""
    if weighted <= terms.borrowers.loop_above * owed:
        return None
    threshold = share(terms.table("threshold_bps")[account.mode][collateral])
    ltv = share(terms.table("ltv_bps")[account.mode][collateral])
    borrowable = weighted_worth(account, prices, terms, by="ltv_bps")
    usd = min(
        (weighted - terms.borrowers.looped * owed) / (terms.borrowers.looped - threshold),
        (borrowable - owed) / (1 - ltv),
        rooms.borrow[debt] * prices[debt],
        rooms.supply[collateral] * prices[collateral],
        rooms.isolated_usd[collateral],
    )
    if usd <= 0:
        return None
    return Reaction(collateral, debt, usd / prices[collateral], Decimal(0), usd / prices[debt], usd)
