"""A capped feed of a staked asset under the rule of a DAO."""

from __future__ import annotations

from dataclasses import dataclass, replace

from web3.contract.contract import Contract

from core.units import Bps
from governance.client import ChainClient
from governance.price_cap import PriceCap, PriceCapUpdate
from governance.reader import ChainReader
from governance.rehearsal import DAY, HOUR
from governance.signing import LocalSigner, ascending, keccak, update_tuple
from tests.protocols.dao import ProtocolDao, found_dao

RATIO_ONE = 10**18
LIVE_RATIO = 12_285 * RATIO_ONE // 10_000
START_AGE_SECONDS = 240 * DAY
START = PriceCap(11_572 * RATIO_ONE // 10_000, 0, Bps(9_68))
"""The cap of wstETH before 10 March 2026, but for the time of its snapshot, which the fixture says."""

RULES = (5_00, 15_00, 1_00, 3_00, 3_00, 3 * DAY, 7 * DAY)
"""Growth: floor, ceiling, step; step of the ratio; headroom; delay; least age of a snapshot."""


@dataclass(frozen=True, slots=True)
class GovernedCap:
    """A feed and its DAO."""

    feed: Contract
    dao: ProtocolDao

    @property
    def client(self) -> ChainClient:
        """Where everything is."""
        return self.dao.client

    def cap(self) -> PriceCap:
        """Return what the adapter reads."""
        ratio, time, growth = self.client.call(self.dao.adapter.functions.capOf(self.feed.address))
        return PriceCap(ratio, time, Bps(growth))

    def set_ratio(self, ratio: int) -> None:
        """Let the asset's own ratio be ``ratio``."""
        self.client.send(self.dao.people.reporter, self.feed.functions.setRatio(ratio))

    def update(
        self,
        *,
        ratio: int | None = None,
        age_days: int | None = None,
        growth_bps: int | None = None,
        epoch: int = 1,
    ) -> PriceCapUpdate:
        """Return an update of the feed as it is now; what is not given stays."""
        now, current = self.client.timestamp(), self.cap()
        proposed = PriceCap(
            current.snapshot_ratio if ratio is None else ratio,
            current.snapshot_timestamp if age_days is None else now - age_days * DAY,
            current.max_yearly_growth_bps if growth_bps is None else Bps(growth_bps),
        )
        return PriceCapUpdate(
            epoch=epoch,
            market=self.feed.address,
            attempt=0,
            seat_table_hash=ChainReader(self.client, self.dao.deployment).seat_table().table_hash,
            expected=current,
            proposed=proposed,
            low_bound=int(proposed.max_yearly_growth_bps),
            high_bound=int(proposed.max_yearly_growth_bps),
            evidence_root=keccak(b"evidence"),
            transcript_root=keccak(b"transcript"),
            valid_until=now + HOUR,
        )

    def propose(self, update: PriceCapUpdate) -> int:
        """Submit an update that a quorum signs; return the proposal's number."""
        pairs = self.dao.signatures(self.dao.hasher.price_cap_digest(update))
        governor = self.dao.founded.contract("ParameterGovernor", "governor")
        call = governor.functions.proposePriceCap(update_tuple(update), *ascending(pairs))
        self.client.send(self.dao.people.stranger, call)
        return self.dao.proposals.count()

    def carry_out(self, update: PriceCapUpdate) -> None:
        """Take an update all the way."""
        number = self.propose(update)
        self.dao.make_executable(number)
        self.dao.execute(number)


def govern_cap(client: ChainClient, funder: LocalSigner) -> GovernedCap:
    """Deploy a feed, and put a DAO before it that holds its risk admin's key."""
    founded = found_dao(client, funder)
    reporter = founded.people.reporter
    client.pay(funder, reporter.address, 10 * RATIO_ONE)
    start = replace(START, snapshot_timestamp=client.timestamp() - START_AGE_SECONDS)
    values = (start.snapshot_ratio, start.snapshot_timestamp, int(start.max_yearly_growth_bps))
    feed = client.contract(
        "PriceCapFeed", client.deploy(reporter, "PriceCapFeed", reporter.address, LIVE_RATIO, values)
    )
    adapter = founded.put("adapter", "PriceCapAdapter", founded.people.deployer.address)
    for role in ("market", "collateral_token", "debt_token", "oracle"):
        founded.addresses[role] = adapter.address
    founded.send(adapter.functions.listFeed(feed.address, RULES))
    gate = founded.contract("UpdateGate", "gate")
    founded.send(gate.functions.setAdapter(feed.address, adapter.address))
    dao = ProtocolDao(founded, adapter)
    dao.hand_over()
    client.send(reporter, feed.functions.setRiskAdmin(adapter.address))
    return GovernedCap(feed, dao)
