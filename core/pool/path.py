"""A pool along one price path.  One step, in this order:

1. interest: every debt grows by the kinked rate at its asset's utilisation;
2. prices: the market's is the path's less the impact that sales left; the oracle's follows when it has moved
   enough, or its heartbeat is due; depth shrinks in a drought;
3. whoever's patience the hazard has reached repays all and withdraws, unless it owes more than it has;
4. borrowers whose turn it is look at their positions, in the accounts' order;
5. liquidators visit the unhealthy, the smallest health factor first, ties in the accounts' order, one call
   each, passing over what is frozen, unseen, or not worth it after slippage and gas; what they seize is sold,
   which adds ``sold value / depth`` to the impact; the others' calls of the same step feel that at once;
6. the impact shrinks by ``resilience``; so much of the liquidators' capital as is recycled is free again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, localcontext

from core.errors import SimulationError
from core.pool.account import PoolAccount
from core.pool.borrowers import Reaction, Rooms, reaction_of
from core.pool.liquidation import Call, call_on, weighted_worth
from core.pool.terms import ENDLESS, SECONDS_PER_YEAR, PoolTerms, of_wad, share, worth, yearly_rate

DIGITS = 50
LARGEST_IMPACT = Decimal("0.99")
NONE = Decimal(0)


@dataclass(slots=True)
class PoolResult:
    """Totals over one path, USD at the oracle's prices of the moment unless said otherwise.

    ``passed_over`` counts visits that nobody thought worth a call; ``frozen_steps`` asset-steps in which a
    pool was lent out; ``uncovered`` is debt above its collateral's worth at the path's last prices.
    """

    liquidations: int = 0
    passed_over: int = 0
    toxic: int = 0
    frozen_steps: int = 0
    leavers: int = 0
    repaid: Decimal = NONE
    liquidated_value: Decimal = NONE
    fees: Decimal = NONE
    refunds: Decimal = NONE
    bad_debt: Decimal = NONE
    uncovered: Decimal = NONE
    interest: Decimal = NONE
    gas: Decimal = NONE
    added: Decimal = NONE
    repaid_by_borrowers: Decimal = NONE
    borrowed: Decimal = NONE
    left: Decimal = NONE
    seized_by_asset: list[Decimal] = field(default_factory=list)
    bad_debt_by_asset: list[Decimal] = field(default_factory=list)


def replay_pool(
    accounts: Sequence[PoolAccount], prices: Sequence[Sequence[Decimal]], terms: PoolTerms
) -> PoolResult:
    """Return what happens to ``accounts`` along ``prices`` (USD, by step and asset)."""
    if not prices or any(len(row) != len(terms.assets) or min(row) <= 0 for row in prices):
        raise SimulationError("a step had no price above zero for each asset", allowed="(step, asset), USD")
    with localcontext() as context:
        context.prec = DIGITS
        path = _Path(list(accounts), terms, [tuple(row) for row in prices])
        for step in range(len(prices)):
            path.step(step)
        path.close()
        return path.result


class _Path:
    def __init__(
        self, accounts: list[PoolAccount], terms: PoolTerms, prices: list[tuple[Decimal, ...]]
    ) -> None:
        self.accounts, self.terms, self.prices = accounts, terms, prices
        count = len(terms.assets)
        self.result = PoolResult(seized_by_asset=[NONE] * count, bad_debt_by_asset=[NONE] * count)
        self.impact = [NONE] * count
        self.slippage = [NONE] * count
        self.oracle = list(prices[0])
        self.written_at = [0] * count
        self.seen: list[tuple[Decimal, ...]] = []
        self.hazard = [NONE] * count
        self.main_debt = [_main_debt(account, prices[0]) for account in accounts]
        self.isolated_usd = [NONE] * count
        for account in accounts:
            asset = self._isolated_asset(account)
            if asset >= 0:
                self.isolated_usd[asset] += worth(account.debt, prices[0])
        self.tied_up = NONE

    def step(self, step: int) -> None:
        self._accrue(step)
        self._quote(step)
        self._let_go()
        self._look(step)
        self._liquidate(step)
        for asset, slippage in enumerate(self.slippage):
            self.impact[asset] = min(slippage, LARGEST_IMPACT) * of_wad(self.terms.resilience)
        self.tied_up -= self.tied_up * share(self.terms.liquidators.recycled_bps)

    def close(self) -> None:
        last = self.prices[-1]
        for account in self.accounts:
            gap = worth(account.debt, last) - worth(account.collateral, last)
            self.result.uncovered += max(NONE, gap)

    def _accrue(self, step: int) -> None:
        years = Decimal(self.terms.step_seconds) / SECONDS_PER_YEAR
        borrowers = self.terms.borrowers
        growth = []
        for asset, terms in enumerate(self.terms.assets):
            total = self._total_debt(asset)
            used = min(Decimal(1), total / terms.supply)
            rate = yearly_rate(terms.rates, used)
            growth.append(rate * years)
            self.result.interest += total * growth[-1] * self.prices[step][asset]
            dear = max(NONE, rate - borrowers.tolerated_rate)
            self.hazard[asset] += (borrowers.leave_per_year + borrowers.rate_leave * dear) * years
        for number, account in enumerate(self.accounts):
            debt = tuple(amount * (1 + g) for amount, g in zip(account.debt, growth, strict=True))
            self.accounts[number] = replace(account, debt=debt)

    def _quote(self, step: int) -> None:
        self.slippage = list(self.impact)
        self.quote = self.prices[step]
        self.market = tuple(q * (1 - i) for q, i in zip(self.quote, self.impact, strict=True))
        for asset, terms in enumerate(self.terms.assets):
            moved = abs(self.market[asset] - self.oracle[asset])
            is_due = step - self.written_at[asset] >= terms.heartbeat_steps
            if step == 0 or is_due or moved > self.oracle[asset] * share(terms.deviation_bps):
                self.oracle[asset], self.written_at[asset] = self.market[asset], step
        self.price = tuple(self.oracle)
        self.seen.append(self.price)
        drought = self.terms.drought
        before = self.prices[max(0, step - drought.window_steps)]
        self.depth = [
            terms.depth_usd
            * (share(drought.depth_bps) if now < then * (1 - share(drought.fall_bps)) else Decimal(1))
            for terms, now, then in zip(self.terms.assets, self.quote, before, strict=True)
        ]

    def _let_go(self) -> None:
        for number, account in enumerate(self.accounts):
            owed = worth(account.debt, self.price)
            main = self.main_debt[number]
            if owed <= 0 or main < 0 or self.hazard[main] < account.patience:
                continue
            if worth(account.collateral, self.price) <= owed:
                continue
            self.result.leavers += 1
            self.result.left += owed
            self._release_isolated(account, owed)
            nothing = (NONE,) * len(self.price)
            self.accounts[number] = replace(account, collateral=nothing, debt=nothing)

    def _look(self, step: int) -> None:
        every = self.terms.borrowers.attention_steps
        if every == 0:
            return
        for number, account in enumerate(self.accounts):
            if (step + account.phase) % every == 0:
                found = reaction_of(account, self.price, self.terms, rooms=self._rooms())
                if found is not None:
                    self._react(number, found)

    def _react(self, number: int, found: Reaction) -> None:
        account = self.accounts[number]
        collateral, debt = list(account.collateral), list(account.debt)
        collateral[found.collateral_asset] += found.added
        debt[found.debt_asset] += found.borrowed - found.repaid
        isolated = self._isolated_asset(account)
        means = account.means_usd
        if found.borrowed:
            self.result.borrowed += found.usd
            if isolated >= 0:
                self.isolated_usd[isolated] += found.usd
        elif found.added:
            self.result.added += found.usd
            means -= found.usd
        else:
            self.result.repaid_by_borrowers += found.usd
            means -= found.usd
            self._release_isolated(account, found.usd)
        self.accounts[number] = replace(
            account, collateral=tuple(collateral), debt=tuple(debt), means_usd=means
        )

    def _liquidate(self, step: int) -> None:
        terms, late = self.terms, step - self.terms.liquidators.delay_steps
        seizable = []
        for asset, reserve in enumerate(terms.assets):
            is_lent_out = self._total_debt(asset) >= reserve.supply * share(terms.freeze_at_bps)
            self.result.frozen_steps += is_lent_out
            seizable.append(reserve.threshold_bps > 0 and not is_lent_out)
        if late < 0:
            return
        for number in self._unhealthy():
            account = self.accounts[number]
            before = self.seen[late]
            noticed = weighted_worth(account, before, terms, by="threshold_bps")
            if noticed >= worth(account.debt, before):
                continue
            capital = terms.liquidators.capital_usd - self.tied_up
            call = call_on(account, self.price, terms, seizable=tuple(seizable), capital_usd=capital)
            if call is None or not self._pays(call):
                self.result.passed_over += 1
                continue
            self._settle(number, call)

    def _unhealthy(self) -> list[int]:
        """Return the numbers of unhealthy accounts, the largest debt over weighted worth first."""
        ratios: list[tuple[Decimal, int]] = []
        for number, account in enumerate(self.accounts):
            owed = worth(account.debt, self.price)
            weighted = weighted_worth(account, self.price, self.terms, by="threshold_bps")
            if weighted < owed:
                ratios.append((-owed / weighted if weighted else -ENDLESS, number))
        return [number for _, number in sorted(ratios)]

    def _pays(self, call: Call) -> bool:
        """Say whether selling brings more than was paid, and gas."""
        proceeds = sum(
            (
                sold * quote * (1 - slippage)
                for sold, quote, slippage in zip(call.sold, self.quote, self.slippage, strict=True)
            ),
            NONE,
        )
        return proceeds > call.paid_usd + self.terms.liquidators.gas_usd

    def _settle(self, number: int, call: Call) -> None:
        account, result = self.accounts[number], self.result
        collateral = tuple(a - t for a, t in zip(account.collateral, call.taken, strict=True))
        debt = tuple(d - r for d, r in zip(account.debt, call.repaid, strict=True))
        gone = worth(call.repaid, self.price) + call.bad_debt_usd
        if call.bad_debt_usd:
            debt = (NONE,) * len(debt)
        self._release_isolated(account, gone)
        self.accounts[number] = replace(account, collateral=collateral, debt=debt)
        result.liquidations += 1
        result.toxic += call.is_toxic
        result.repaid += call.paid_usd
        result.fees += call.fee_usd
        result.refunds += call.refund_usd
        result.bad_debt += call.bad_debt_usd
        result.gas += self.terms.liquidators.gas_usd
        self.tied_up += call.paid_usd
        values = [taken * price for taken, price in zip(call.taken, self.price, strict=True)]
        result.liquidated_value += sum(values, NONE)
        main = values.index(max(values))
        result.bad_debt_by_asset[main] += call.bad_debt_usd
        for asset, sold in enumerate(call.sold):
            result.seized_by_asset[asset] += values[asset]
            self.slippage[asset] += sold * self.market[asset] / self.depth[asset]

    def _rooms(self) -> Rooms:
        assets = list(enumerate(self.terms.assets))
        return Rooms(
            tuple(max(NONE, a.supply_cap - self._total_collateral(n)) for n, a in assets),
            tuple(max(NONE, a.borrow_cap - self._total_debt(n)) for n, a in assets),
            tuple(max(NONE, a.isolation_ceiling_usd - self.isolated_usd[n]) for n, a in assets),
        )

    def _isolated_asset(self, account: PoolAccount) -> int:
        """Return the asset with a ceiling that is the account's only collateral; -1 if there is none."""
        held = [asset for asset, amount in enumerate(account.collateral) if amount > 0]
        if len(held) == 1 and self.terms.assets[held[0]].isolation_ceiling_usd < ENDLESS:
            return held[0]
        return -1

    def _release_isolated(self, account: PoolAccount, usd: Decimal) -> None:
        asset = self._isolated_asset(account)
        if asset >= 0:
            self.isolated_usd[asset] = max(NONE, self.isolated_usd[asset] - usd)

    def _total_debt(self, asset: int) -> Decimal:
        return sum((account.debt[asset] for account in self.accounts), NONE)

    def _total_collateral(self, asset: int) -> Decimal:
        return sum((account.collateral[asset] for account in self.accounts), NONE)


def _main_debt(account: PoolAccount, prices: Sequence[Decimal]) -> int:
    """Return the asset of the account's largest debt at first, -1 without debt."""
    values = [amount * price for amount, price in zip(account.debt, prices, strict=True)]
    return values.index(max(values)) if max(values) > 0 else -1
