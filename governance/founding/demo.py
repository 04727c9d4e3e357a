"""From an empty chain to a DAO that can be sealed: deploy, seat.

deploy ─► tokens, oracle, market with borrowers
       ─► timelock, registries, limits, adapter, gate, governors, fast lane
seat   ─► agents that have registered themselves          (then governance.founding.sealing)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eth_utils.address import to_checksum_address

from core.errors import ConfigError
from core.mandate import Mandate
from core.market import Parameters
from core.position import Position
from core.units import Bps
from governance.client import ChainClient, TransactionSigner
from governance.deployment import Deployment
from governance.founding.dao import (
    VOTES_ONE as VOTES_ONE,
)
from governance.founding.dao import (
    Charter,
    GovernedMarket,
    governed,
    grant_timelock_roles,
    lay_adapter,
    lay_dao,
    lay_settlement,
)
from governance.founding.site import ChainSite, Site, standing
from governance.signing import keccak

USD_ONE = 10**6
PAGE = 40


@dataclass(frozen=True, slots=True)
class Holder:
    """Receives governance tokens; with a ``signer`` its votes are delegated to itself at once."""

    address: str
    votes: int
    signer: TransactionSigner | None = None


@dataclass(frozen=True, slots=True)
class DemoStart:
    """What the demo market starts with; fields as in :class:`DeployConfig`."""

    parameters: Parameters
    oracle_price: int
    oracle_time: int
    reporter: str
    liquidity: int
    reserves: int = 0
    borrowers: tuple[Position, ...] = ()
    close_factor_bps: Bps = Bps(50_00)
    collateral_grants: tuple[tuple[str, int], ...] = ()
    debt_grants: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class DeployConfig:
    """What stands on chain after the deployment; amounts in base units.

    ``borrowers`` are opened from the deployer's collateral, and their debt is paid out to them.
    ``oracle_price`` has eight decimals; ``reporter`` is the only key that may change it.  Bonds of agents, of
    challengers and of whoever posts scores are in the debt token.
    """

    mandate: Mandate
    parameters: Parameters
    oracle_price: int
    oracle_time: int
    reporter: str
    guardian: str
    liquidity: int
    reserves: int = 0
    borrowers: tuple[Position, ...] = ()
    holders: tuple[Holder, ...] = ()
    treasuries: tuple[str, ...] = ()
    total_votes: int = 1_000_000 * VOTES_ONE
    veto_threshold_bps: Bps = Bps(50)
    holder_proposal_votes: int = 10_000 * VOTES_ONE
    holder_quorum_percent: int = 4
    challenge_bond: int = 1_000 * USD_ONE
    score_bond: int = 1_000 * USD_ONE
    close_factor_bps: Bps = Bps(50_00)
    collateral_grants: tuple[tuple[str, int], ...] = ()
    debt_grants: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class SeatAttestation:
    """What the DAO attests of one registered agent; texts of at most 31 ASCII characters."""

    agent_id: int
    operator: str
    family: str
    data_source: str

    def encoded(self) -> tuple[int, bytes, bytes, bytes]:
        """Return the contract's ``SeatRequest``."""
        return self.agent_id, *(short_text(t) for t in (self.operator, self.family, self.data_source))  # type: ignore[return-value]


def short_text(text: str) -> bytes:
    """Return ``text`` as a right-padded bytes32.

    Raises:
        ConfigError: it is empty, not ASCII, or too long.
    """
    if not text or not text.isascii() or len(text) > 31:
        raise ConfigError(f"seat text was {text!r}", allowed="1 to 31 ASCII characters")
    return text.encode().ljust(32, b"\0")


def deploy(client: ChainClient, deployer: TransactionSigner, config: DeployConfig) -> Deployment:
    """Deploy everything; the deployer still owns it until :func:`seal`.

    Raises:
        GovernanceError: a contract refuses its configuration.
        ChainError: the chain does not answer.
    """
    site, first_block = ChainSite(client, deployer), client.block_number()
    lay_market(site, start_of(config))
    lay_dao(site, charter_of(config))
    lay_demo_adapter(site, [governed(config.mandate, site.addresses["collateral_token"])])
    bonds = {"challenge_bond": config.challenge_bond, "score_bond": config.score_bond}
    lay_settlement(site, site.addresses["debt_token"], **bonds)
    grant_timelock_roles(site)
    _distribute_votes(site, config)
    return Deployment(client.chain_id, config.mandate.market, first_block, site.addresses)


def start_of(config: DeployConfig) -> DemoStart:
    """Return what the market starts with."""
    return DemoStart(
        parameters=config.parameters,
        oracle_price=config.oracle_price,
        oracle_time=config.oracle_time,
        reporter=config.reporter,
        liquidity=config.liquidity,
        reserves=config.reserves,
        borrowers=config.borrowers,
        close_factor_bps=config.close_factor_bps,
        collateral_grants=config.collateral_grants,
        debt_grants=config.debt_grants,
    )


def charter_of(config: DeployConfig) -> Charter:
    """Return what the DAO is to be."""
    return Charter(
        mandate_hash=keccak(config.mandate.canonical()),
        spread_limit_bps=config.mandate.spread_limit_bps,
        guardian=config.guardian,
        veto_threshold_bps=config.veto_threshold_bps,
        holder_proposal_votes=config.holder_proposal_votes,
        holder_quorum_percent=config.holder_quorum_percent,
        challenge_bond=config.challenge_bond,
        score_bond=config.score_bond,
        treasuries=config.treasuries,
        total_votes=config.total_votes,
    )


def lay_market(site: Site, start: DemoStart) -> None:
    """Deploy the demo market with its tokens and its oracle, fund it, and open its borrowers' positions."""
    owner = site.owner
    collateral = site.put("collateral_token", "DemoToken", owner, "Wrapped Ether", "WETH", 18)
    debt = site.put("debt_token", "DemoToken", owner, "USD Coin", "USDC", 6)
    oracle = site.put("oracle", "DemoOracle", owner, start.reporter, start.oracle_price, start.oracle_time)
    market = site.put(
        "market",
        "DemoLendingMarket",
        owner,
        collateral.address,
        debt.address,
        oracle.address,
        int(start.close_factor_bps),
        tuple(start.parameters.as_dict().values()),
    )
    pledged = sum(position.collateral for position in start.borrowers)
    for token, amount in ((collateral, pledged), (debt, start.liquidity + start.reserves)):
        site.send(token.functions.mint(owner, amount))
        site.send(token.functions.approve(market.address, amount))
    site.send(market.functions.supply(start.liquidity))
    if start.reserves:
        site.send(market.functions.addReserves(start.reserves))
    for first in range(0, len(start.borrowers), PAGE):
        page = start.borrowers[first : first + PAGE]
        rows = [(to_checksum_address(p.account), p.collateral, p.debt) for p in page]
        site.send(market.functions.openPositions(rows))
    for token, grants in ((collateral, start.collateral_grants), (debt, start.debt_grants)):
        for address, amount in grants:
            site.send(token.functions.mint(address, amount))


def lay_demo_adapter(site: Site, markets: Sequence[GovernedMarket], *, delegate: str | None = None) -> None:
    """Deploy the demo market's adapter, and let the market obey it."""
    lay_adapter(site, "DemoMarketAdapter", [site.addresses["market"]], markets=markets, delegate=delegate)
    market = standing(site, "DemoLendingMarket", "market")
    site.send(market.functions.setConfigurator(site.addresses["adapter"]))


def _distribute_votes(site: ChainSite, config: DeployConfig) -> None:
    token = site.client.contract("GovernanceToken", site.addresses["governance_token"])
    for holder in config.holders:
        site.client.send(site.deployer, token.functions.transfer(holder.address, holder.votes))
        if holder.signer is not None:
            fund(site.client, site.deployer, [holder.address])
            site.client.send(holder.signer, token.functions.delegate(holder.address))


def fund(
    client: ChainClient, payer: TransactionSigner, addresses: Sequence[str], *, value_wei: int = 10 * 10**18
) -> None:
    """Give each address the coin that its transactions need."""
    for address in addresses:
        client.pay(payer, address, value_wei)


def delegate_votes(client: ChainClient, deployment: Deployment, holder: TransactionSigner) -> None:
    """Let a holder's tokens vote; must happen before a proposal's snapshot (12 h after creation)."""
    token = client.contract("GovernanceToken", deployment.addresses["governance_token"])
    client.send(holder, token.functions.delegate(holder.address))


def report_price(
    client: ChainClient, deployment: Deployment, reporter: TransactionSigner, *, price: int, observed_at: int
) -> None:
    """Let the oracle say ``price`` (eight decimals), seen at ``observed_at`` (UTC seconds, in the past)."""
    oracle = client.contract("DemoOracle", deployment.addresses["oracle"])
    client.send(reporter, oracle.functions.report(price, observed_at))


def seat(
    client: ChainClient,
    owner: TransactionSigner,
    deployment: Deployment,
    *,
    attestations: Sequence[SeatAttestation],
) -> int:
    """Seat registered agents in one new version of the table; return the version."""
    seats = client.contract("SeatRegistry", deployment.addresses["seats"])
    client.send(owner, seats.functions.seat([a.encoded() for a in attestations]))
    return int(client.call(seats.functions.seatVersion()))
