"""One liquidation call of Aave V3 with one collateral and one debt asset, exact to the last base unit.

Balances are scaled, as the protocol keeps them: what is owed is scaled debt x borrow index.  Releases differ
in rounding and in three rules: from 3.3 on a small position may be closed at once, a call may not leave dust,
and debt that is left without collateral is written off in the same call.

Sources: ``LiquidationLogic``, ``GenericLogic``, ``WadRayMath``, ``PercentageMath`` and ``TokenMath`` of
aave/aave-v3-core 1.19.3 (V3.0.2) and aave-dao/aave-v3-origin 3.6.0.  Agreement with their bytecode is tested
in tests/protocols/test_aave_to_the_wei.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.errors import SimulationError
from core.lending import FULL_CLOSE_BELOW_WAD
from core.units import BPS_ONE, PRICE_ONE, WAD, Bps

RAY = 10**27
DEFAULT_CLOSE_BPS = 50_00
SMALL_POSITION = 2_000 * PRICE_ONE
"""From 3.3 on: below this worth of collateral or debt, one call may repay all."""

LEAST_LEFTOVER = SMALL_POSITION // 2
"""From 3.3 on: a call that closes neither side must leave at least this on both."""


class AaveRelease(StrEnum):
    """Releases whose arithmetic is here."""

    V3_0 = "3.0.2"
    V3_6 = "3.6.0"


@dataclass(frozen=True, slots=True)
class AaveAsset:
    """One reserve at one moment: price (eight decimals), token decimals, normalised index (ray)."""

    price: int
    decimals: int
    index: int = RAY


@dataclass(frozen=True, slots=True)
class AaveTerms:
    """What a call obeys; the bonus is the excess only, the protocol takes ``fee_bps`` of the bonus."""

    release: AaveRelease
    threshold_bps: Bps
    bonus_bps: Bps
    fee_bps: Bps
    collateral: AaveAsset
    debt: AaveAsset


@dataclass(frozen=True, slots=True)
class AaveAccount:
    """Scaled balances of one borrower."""

    scaled_collateral: int
    scaled_debt: int


@dataclass(frozen=True, slots=True)
class AaveLiquidation:
    """What one call did, in base units; ``deficit`` is the debt written off, ``seized`` the liquidator's."""

    repaid: int
    seized: int
    fee: int
    deficit: int
    account: AaveAccount


def account_balances(account: AaveAccount, terms: AaveTerms) -> tuple[int, int]:
    """Return collateral and debt in base units: half up in 3.0; down and up, for the protocol, in 3.6."""
    collateral = account.scaled_collateral * terms.collateral.index
    debt = account.scaled_debt * terms.debt.index
    if terms.release is AaveRelease.V3_0:
        return _half_up(collateral, RAY), _half_up(debt, RAY)
    return collateral // RAY, _up(debt, RAY)


def account_values(account: AaveAccount, terms: AaveTerms) -> tuple[int, int]:
    """Return what collateral and debt are worth, USD with eight decimals."""
    collateral, debt = account_balances(account, terms)
    worth = collateral * terms.collateral.price // 10**terms.collateral.decimals
    owed, unit = debt * terms.debt.price, 10**terms.debt.decimals
    return worth, owed // unit if terms.release is AaveRelease.V3_0 else _up(owed, unit)


def health_factor_wad(account: AaveAccount, terms: AaveTerms) -> int | None:
    """Return the health factor in wad; ``None`` without debt."""
    worth, owed = account_values(account, terms)
    if not owed:
        return None
    if terms.release is AaveRelease.V3_0:
        return _half_up(_half_up(worth * terms.threshold_bps, BPS_ONE) * WAD, owed)
    return _half_up(worth * terms.threshold_bps * WAD, owed) // BPS_ONE


def liquidate(account: AaveAccount, terms: AaveTerms, *, cover: int) -> AaveLiquidation | None:
    """Return what a call that offers ``cover`` base units of the debt asset does; ``None`` if healthy.

    Raises:
        SimulationError: prices are not positive, the call would leave dust (3.6), or it would move nothing.
    """
    if min(terms.collateral.price, terms.debt.price) <= 0:
        raise SimulationError("a price was not above zero", allowed="prices above zero, eight decimals")
    health = health_factor_wad(account, terms)
    if health is None or health >= WAD:
        return None
    collateral, debt = account_balances(account, terms)
    offered = min(cover, _closable(account, terms, health))
    taken, repaid = _taken(offered, collateral, terms)
    _require_no_dust(collateral - taken, debt - repaid, terms)
    fee = _fee(taken, terms)
    seized = taken - fee
    worth = account_values(account, terms)[0]
    is_emptied = worth == taken * terms.collateral.price // 10**terms.collateral.decimals
    written_off = is_emptied and terms.release is AaveRelease.V3_6
    scaled_debt = account.scaled_debt - _scaled_repayment(debt if written_off else repaid, terms)
    scaled_collateral, fee = _after_seizure(account.scaled_collateral, seized, fee, terms)
    left = AaveAccount(scaled_collateral, scaled_debt)
    return AaveLiquidation(repaid, seized, fee, debt - repaid if written_off else 0, left)


def _closable(account: AaveAccount, terms: AaveTerms, health: int) -> int:
    """Return the most debt that one call may repay, base units."""
    _, debt = account_balances(account, terms)
    if health <= FULL_CLOSE_BELOW_WAD:
        return debt
    if terms.release is AaveRelease.V3_0:
        return _half_up(debt * DEFAULT_CLOSE_BPS, BPS_ONE)
    worth, owed = account_values(account, terms)
    if min(worth, owed) < SMALL_POSITION:
        return debt
    half = _half_up(owed * DEFAULT_CLOSE_BPS, BPS_ONE)
    return int(half * 10**terms.debt.decimals // terms.debt.price)


def _taken(offered: int, collateral: int, terms: AaveTerms) -> tuple[int, int]:
    """Return the collateral that leaves the account, fee included, and the debt that is repaid for it."""
    factor = BPS_ONE + terms.bonus_bps
    collateral_unit, debt_unit = 10**terms.collateral.decimals, 10**terms.debt.decimals
    base = terms.debt.price * offered * collateral_unit // (terms.collateral.price * debt_unit)
    most = _half_up(base * factor, BPS_ONE)
    if most <= collateral:
        return most, offered
    paid = terms.collateral.price * collateral * debt_unit // (terms.debt.price * collateral_unit)
    divide = _half_up if terms.release is AaveRelease.V3_0 else _up
    return collateral, divide(paid * BPS_ONE, factor)


def _fee(taken: int, terms: AaveTerms) -> int:
    bonus = taken - _half_up(taken * BPS_ONE, BPS_ONE + terms.bonus_bps)
    return _half_up(bonus * terms.fee_bps, BPS_ONE)


def _require_no_dust(collateral: int, debt: int, terms: AaveTerms) -> None:
    if terms.release is AaveRelease.V3_0 or debt <= 0 or collateral <= 0:
        return
    owed = _up(debt * terms.debt.price, 10**terms.debt.decimals)
    worth = collateral * terms.collateral.price // 10**terms.collateral.decimals
    if min(owed, worth) < LEAST_LEFTOVER:
        raise SimulationError(
            f"the call would leave {worth} of collateral and {owed} of debt",
            allowed=f"nothing on one side, or at least {LEAST_LEFTOVER} on both (USD, eight decimals)",
            hint="cover more, or less",
        )


def _scaled_repayment(repaid: int, terms: AaveTerms) -> int:
    divide = _half_up if terms.release is AaveRelease.V3_0 else _down
    return _nothing_is_refused(divide(repaid * RAY, terms.debt.index))


def _after_seizure(scaled: int, seized: int, fee: int, terms: AaveTerms) -> tuple[int, int]:
    """Return the scaled collateral that is left, and the fee: at most what the seizure has left."""
    divide = _half_up if terms.release is AaveRelease.V3_0 else _up
    index = terms.collateral.index
    left = scaled - _nothing_is_refused(divide(seized * RAY, index))
    if not fee:
        return left, 0
    scaled_fee = divide(fee * RAY, index)
    if scaled_fee <= left:
        return left - scaled_fee, fee
    whole = left * index
    if terms.release is AaveRelease.V3_6:
        return 0, whole // RAY
    fee = _half_up(whole, RAY)
    return left - divide(fee * RAY, index), fee


def _nothing_is_refused(scaled: int) -> int:
    if scaled == 0:
        raise SimulationError("the call would move nothing", allowed="at least one scaled base unit")
    return scaled


def _half_up(numerator: int, denominator: int) -> int:
    return (numerator + denominator // 2) // denominator


def _up(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)


def _down(numerator: int, denominator: int) -> int:
    return numerator // denominator
