"""Where Compound V2 differs from Venus behind ComptrollerAdapter: caps, codes, the chain's own coin.

The comptroller is a double; accounts and liquidations are tested on Venus.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from web3.contract.contract import Contract

from contracts.artifacts import load_any_artifact
from core.errors import GovernanceError, GuardrailError
from core.market import Scalar
from core.units import PRICE_ONE, WAD
from governance.client import ChainClient
from governance.signing import LocalSigner
from tests.protocols.dao import ProtocolDao, found_dao, install
from tests.protocols.governed_venus import NO_LTV_MARGIN_BPS
from tests.protocols.stage import rewound

ETHER = 10**18
NO_CAP = 2**128 - 1
ZERO_IS_NO_CAP = 0
UNAUTHORIZED = 1


@dataclass(frozen=True, slots=True)
class CompoundV2:
    """A comptroller, its one market, and its DAO."""

    comptroller: Contract
    market: str
    dao: ProtocolDao

    def set_cap(self, cap: int) -> None:
        """Write a borrow cap past the DAO, which is admin again afterwards."""
        admin, client, functions = self.dao.people.reporter, self.dao.client, self.comptroller.functions
        client.send(admin, functions._setMarketBorrowCaps([self.market], [cap]))
        client.send(admin, functions.setAdmin(self.dao.adapter.address))


@pytest.fixture(scope="module")
def compound_under_a_dao(chain_url: str, funder: LocalSigner) -> Iterator[CompoundV2]:
    client = ChainClient(chain_url, artifacts=load_any_artifact)
    with rewound(client):
        founded = found_dao(client, funder)
        admin = founded.people.reporter
        client.pay(funder, admin.address, ETHER)
        market = client.deploy(admin, "CompoundV2EtherDouble")
        address = client.deploy(admin, "CompoundV2Double", admin.address, market)
        dao = install(founded, "ComptrollerAdapter", address, ZERO_IS_NO_CAP)
        founded.send(dao.adapter.functions.setDebtMarket(market, market))
        dao.take(market, margin_bps=NO_LTV_MARGIN_BPS)
        dao.hand_over()
        yield CompoundV2(client.contract("CompoundV2Double", address), market, dao)


@pytest.fixture
def compound(compound_under_a_dao: CompoundV2) -> Iterator[CompoundV2]:
    with rewound(compound_under_a_dao.dao.client):
        yield compound_under_a_dao


def test_a_borrow_cap_of_zero_is_none_and_there_is_no_supply_cap(compound: CompoundV2) -> None:
    assert compound.dao.parameters(compound.market).as_dict() == {
        "ltv_bps": 0,
        "liquidation_threshold_bps": 80_00,
        "liquidation_bonus_bps": 0,
        "supply_cap": 0,
        "borrow_cap": NO_CAP,
        "is_open": 1,
    }


def test_the_chains_own_coin_has_eighteen_decimals(compound: CompoundV2) -> None:
    live = compound.dao.client.call(compound.dao.adapter.functions.liveOf(compound.market))

    # 5 000 of its tokens are 100 coins; 30 of 71 + 30 - 1 are borrowed
    assert tuple(live) == (2_000 * PRICE_ONE, 30_00, 100 * ETHER, 30 * ETHER)


def test_a_higher_factor_is_written_by_the_admin(compound: CompoundV2) -> None:
    compound.set_cap(0)

    compound.dao.carry_out(compound.dao.update(compound.market, 80_50))

    found = compound.dao.client.call(compound.comptroller.functions.markets(compound.market))
    assert found[1] == 80_50 * WAD // 100_00


def test_whoever_is_not_the_admin_is_refused_by_a_code(compound: CompoundV2) -> None:
    number = compound.dao.propose(compound.dao.update(compound.market, 80_50))
    compound.dao.make_executable(number)

    with pytest.raises(GovernanceError, match=rf"ComptrollerRefused\(code={UNAUTHORIZED}\)"):
        compound.dao.execute(number)


def test_a_borrow_cap_is_cut_by_half_at_most(compound: CompoundV2) -> None:
    compound.set_cap(60 * ETHER)

    compound.dao.cut(compound.dao.update(compound.market, 30 * ETHER, scalar=Scalar.BORROW_CAP))

    assert compound.dao.client.call(compound.comptroller.functions.borrowCaps(compound.market)) == 30 * ETHER


def test_a_cap_of_zero_which_would_lift_it_is_refused(compound: CompoundV2) -> None:
    compound.set_cap(1)

    with pytest.raises(GuardrailError, match=r"CapNotWhole\(cap=0, unit=1\)"):
        compound.dao.announce(compound.dao.update(compound.market, 0, scalar=Scalar.BORROW_CAP))


def test_a_supply_cap_which_it_lacks_cannot_be_set(compound: CompoundV2) -> None:
    update = compound.dao.update(compound.market, 80_50)

    with pytest.raises(GuardrailError, match=r"FieldAbsent\(field=supply_cap\)"):
        compound.dao.propose(replace(update, proposed=replace(update.expected, supply_cap=ETHER)))
