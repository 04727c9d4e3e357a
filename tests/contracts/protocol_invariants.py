"""Numbered invariants that a protocol's own adapter adds, before the double of Compound III.

Each function must pass on the real bytecode and fail on the one with the planted bug (test_invariants.py).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from web3.contract.contract import Contract

from core.errors import GuardrailError
from core.market import PARAMETER_FIELDS, parameters_from
from core.update import FreshnessSnapshot, ParameterUpdate
from governance.rehearsal import HOUR
from governance.signing import update_tuple
from tests.contracts.conftest import BANDS, NEWLY_LIQUIDATABLE_BPS, refused
from tests.protocols.comet import WETH_ONE, CometMarket, write

if TYPE_CHECKING:
    from tests.contracts.conftest import Stage


def nobody_elses_writes_become_live(stage: Stage) -> None:
    market = stage.comet()
    adapter = adapter_of(market)
    update = new_cap(market, adapter, 9_999 * WETH_ONE)
    check(market, adapter, update)
    write(market, market.people.risk_admin, "updateAssetLiquidationFactor", value=94 * 10**16)
    with refused(GuardrailError, "ForeignWrites"):
        check(market, adapter, update)


def a_cap_is_a_whole_number_of_tokens(stage: Stage) -> None:
    market = stage.comet()
    adapter = adapter_of(market)
    check(market, adapter, new_cap(market, adapter, 9_999 * WETH_ONE))
    with refused(GuardrailError, "CapNotWhole"):
        check(market, adapter, new_cap(market, adapter, 9_999 * WETH_ONE + WETH_ONE // 2))


def adapter_of(market: CometMarket) -> Contract:
    """An adapter that the market's admin owns, with WETH listed."""
    client, admin = market.client, market.people.admin
    limits = client.contract("LimitBook", client.deploy(admin, "LimitBook", admin.address))
    neighbours = admin.address, limits.address, client.deploy(admin, "PositionSample")
    protocol = market.comet.address, market.configurator.address, market.proxy_admin.address
    adapter = client.contract("CometAdapter", client.deploy(admin, "CometAdapter", *protocol, *neighbours))
    rules = (5_00, NEWLY_LIQUIDATABLE_BPS, BANDS)
    client.send(admin, adapter.functions.listMarket(market.weth.address, rules))
    client.send(admin, limits.functions.open(market.weth.address, adapter.address, False))
    return adapter


def new_cap(market: CometMarket, adapter: Contract, supply_cap: int) -> ParameterUpdate:
    """An update of WETH's supply cap, and of nothing else."""
    client, asset = market.client, market.weth.address
    values = client.call(adapter.functions.parametersOf(asset))
    current = parameters_from(dict(zip(PARAMETER_FIELDS, values, strict=True)))
    live, now = client.call(adapter.functions.liveOf(asset)), client.timestamp()
    return ParameterUpdate(
        epoch=1,
        market=asset,
        attempt=0,
        seat_table_hash=bytes(32),
        expected=current,
        proposed=replace(current, supply_cap=supply_cap),
        snapshot=FreshnessSnapshot(*live, now),
        positions_root=bytes(32),
        low_bound=0,
        high_bound=0,
        evidence_root=bytes(32),
        transcript_root=bytes(32),
        valid_until=now + HOUR,
    )


def check(market: CometMarket, adapter: Contract, update: ParameterUpdate) -> None:
    """Ask the adapter whether the update may be submitted now."""
    market.client.call(adapter.functions.requireSubmittable([update_tuple(update)]))
