"""From an empty chain to a DAO that can be sealed: deploy, seat.

deploy ─► tokens, oracle, market with borrowers
       ─► timelock, registries, limits, adapter, gate, governors, fast lane
seat   ─► agents that have registered themselves          (then governance.sealing)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from eth_utils.address import to_checksum_address
from web3.contract.contract import Contract, ContractFunction

from core.errors import ConfigError
from core.mandate import Mandate
from core.market import Parameters
from core.position import Position
from core.units import Bps
from governance.client import ChainClient, TransactionSigner
from governance.deployment import Deployment
from governance.signing import keccak

TIMELOCK_SECONDS = 24 * 3600
VOTES_ONE = 10**18
USD_ONE = 10**6
PAGE = 40
TIMELOCK_ROLES = ("PROPOSER_ROLE", "EXECUTOR_ROLE", "CANCELLER_ROLE")
GOVERNORS = ("governor", "holder_governor")


@dataclass(frozen=True, slots=True)
class Holder:
    """Receives governance tokens; with a ``signer`` its votes are delegated to itself at once."""

    address: str
    votes: int
    signer: TransactionSigner | None = None


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


@dataclass(slots=True)
class _Site:
    """Contracts as they come to stand."""

    client: ChainClient
    deployer: TransactionSigner
    addresses: dict[str, str] = field(default_factory=dict)

    def put(self, role: str, contract_name: str, *arguments: object) -> Contract:
        address = self.client.deploy(self.deployer, contract_name, *arguments)
        self.addresses[role] = address
        return self.client.contract(contract_name, address)

    def send(self, call: ContractFunction) -> None:
        self.client.send(self.deployer, call)


def deploy(client: ChainClient, deployer: TransactionSigner, config: DeployConfig) -> Deployment:
    """Deploy everything; the deployer still owns it until :func:`seal`.

    Raises:
        GovernanceError: a contract refuses its configuration.
        ChainError: the chain does not answer.
    """
    site = _Site(client, deployer)
    market = _deploy_market(site, config)
    _deploy_dao(site, config, market)
    _grant_timelock_roles(site)
    _distribute_votes(site, config)
    return Deployment(client.chain_id, config.mandate.market, client.block_number(), site.addresses)


def _deploy_market(site: _Site, config: DeployConfig) -> Contract:
    client, deployer = site.client, site.deployer
    owner = deployer.address
    collateral = site.put("collateral_token", "DemoToken", owner, "Wrapped Ether", "WETH", 18)
    debt = site.put("debt_token", "DemoToken", owner, "USD Coin", "USDC", 6)
    oracle = site.put("oracle", "DemoOracle", owner, config.reporter, config.oracle_price, config.oracle_time)
    market = site.put(
        "market",
        "DemoLendingMarket",
        owner,
        collateral.address,
        debt.address,
        oracle.address,
        int(config.close_factor_bps),
        tuple(config.parameters.as_dict().values()),
    )
    pledged = sum(position.collateral for position in config.borrowers)
    for token, amount in ((collateral, pledged), (debt, config.liquidity + config.reserves)):
        client.send(deployer, token.functions.mint(owner, amount))
        client.send(deployer, token.functions.approve(market.address, amount))
    client.send(deployer, market.functions.supply(config.liquidity))
    if config.reserves:
        client.send(deployer, market.functions.addReserves(config.reserves))
    for start in range(0, len(config.borrowers), PAGE):
        page = config.borrowers[start : start + PAGE]
        rows = [(to_checksum_address(p.account), p.collateral, p.debt) for p in page]
        client.send(deployer, market.functions.openPositions(rows))
    for token, grants in ((collateral, config.collateral_grants), (debt, config.debt_grants)):
        for address, amount in grants:
            client.send(deployer, token.functions.mint(address, amount))
    return market


def _deploy_dao(site: _Site, config: DeployConfig, market: Contract) -> None:
    """Deploy in the order in which contracts need one another, then tell each who its neighbours are."""
    owner = site.deployer.address
    timelock = site.put("timelock", "TribunateTimelock", TIMELOCK_SECONDS, owner)
    token = site.put("governance_token", "GovernanceToken", owner, config.total_votes)
    treasuries = sorted(config.treasuries, key=lambda address: int(address, 16))
    power = site.put("veto_power", "VotesPower", token.address, treasuries)
    registry = site.put("registry", "AgentRegistry", owner)
    seats = site.put("seats", "SeatRegistry", owner, registry.address)
    models = site.put("models", "ModelRegistry", owner)
    gate = site.put("gate", "UpdateGate", owner, seats.address, models.address)
    threshold = int(config.veto_threshold_bps)
    governor = site.put(
        "governor",
        "ParameterGovernor",
        power.address,
        timelock.address,
        gate.address,
        config.guardian,
        threshold,
    )
    fast_lane = site.put("fast_lane", "FastLane", gate.address)
    site.put(
        "holder_governor",
        "HolderGovernor",
        token.address,
        timelock.address,
        config.holder_proposal_votes,
        config.holder_quorum_percent,
    )
    site.send(registry.functions.setSeatWatch(seats.address))
    site.send(seats.functions.setGuardian(config.guardian))
    site.send(gate.functions.setEntrances(governor.address, fast_lane.address))
    mandate_hash = keccak(config.mandate.canonical())
    site.send(gate.functions.setMandate(mandate_hash, int(config.mandate.spread_limit_bps)))
    _deploy_adapter(site, config, market)
    _deploy_settlement(site, config)


def _deploy_adapter(site: _Site, config: DeployConfig, market: Contract) -> None:
    owner, addresses = site.deployer.address, site.addresses
    limits = site.put("limits", "LimitBook", owner)
    sample = site.put("sample", "PositionSample")
    adapter = site.put("adapter", "DemoMarketAdapter", market.address, owner, limits.address, sample.address)
    key = addresses["collateral_token"]
    gate = site.client.contract("UpdateGate", addresses["gate"])
    site.send(market.functions.setConfigurator(adapter.address))
    site.send(adapter.functions.setEntrances(addresses["governor"], addresses["fast_lane"]))
    site.send(adapter.functions.listMarket(key, market_rules(config.mandate)))
    site.send(limits.functions.open(key, adapter.address, False))
    site.send(gate.functions.setAdapter(key, adapter.address))


def _deploy_settlement(site: _Site, config: DeployConfig) -> None:
    owner, at = site.deployer.address, site.addresses
    token, identities = at["debt_token"], at["registry"]
    site.put("bonds", "Bonds", owner, token, identities, at["gate"], config.challenge_bond)
    site.put("scores", "ScoreBoard", owner, token, config.score_bond, at["seats"], identities)


def market_rules(mandate: Mandate) -> tuple[int, int, tuple[int, ...]]:
    """Return what a contract can check of the mandate: Solidity's ``MarketRules``."""
    bands = mandate.freshness
    widths = (
        bands.price_fall_bps,
        bands.utilisation_rise_bps,
        bands.supply_rise_bps,
        bands.borrow_rise_bps,
    )
    return int(mandate.margin_bps), int(mandate.newly_liquidatable_bps), tuple(int(w) for w in widths)


def _grant_timelock_roles(site: _Site) -> None:
    timelock = site.client.contract("TribunateTimelock", site.addresses["timelock"])
    for role in TIMELOCK_ROLES:
        for governor in GOVERNORS:
            site.send(timelock.functions.grantRole(keccak(role.encode()), site.addresses[governor]))


def _distribute_votes(site: _Site, config: DeployConfig) -> None:
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
