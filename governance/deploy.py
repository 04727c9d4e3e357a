"""From an empty chain to a sealed DAO: deploy, seat, seal.

deploy ─► tokens, oracle, market with borrowers, timelock, registry, adapter, governor
seat   ─► agents that have registered themselves
seal   ─► market, registry, oracle, tokens to the timelock; its admin renounced; checked
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from eth_utils.address import to_checksum_address
from web3.contract.contract import Contract

from core.errors import ConfigError, GovernanceError
from core.mandate import Mandate
from core.market import Parameters
from core.position import Position
from core.units import Bps
from governance.client import ChainClient, TransactionSigner
from governance.deployment import Deployment
from governance.signing import keccak

TIMELOCK_SECONDS = 24 * 3600
VOTES_ONE = 10**18
PAGE = 40


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
    ``oracle_price`` has eight decimals; ``reporter`` is the only key that may change it.
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


def deploy(client: ChainClient, deployer: TransactionSigner, config: DeployConfig) -> Deployment:
    """Deploy everything; the deployer still owns it until :func:`seal`.

    Raises:
        GovernanceError: a contract refuses its configuration.
        ChainError: the chain does not answer.
    """
    site = _Site(client, deployer)
    market = _deploy_market(site, config)
    governor = _deploy_dao(site, config, market)
    _grant_timelock_roles(site, governor)
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


def _deploy_dao(site: _Site, config: DeployConfig, market: Contract) -> Contract:
    owner = site.deployer.address
    timelock = site.put("timelock", "TribunateTimelock", TIMELOCK_SECONDS, owner)
    registry = site.put("registry", "AgentRegistry", owner)
    token = site.put("governance_token", "GovernanceToken", owner, config.total_votes)
    bands = config.mandate.freshness
    adapter = site.put(
        "adapter",
        "DemoMarketAdapter",
        market.address,
        timelock.address,
        int(config.mandate.margin_bps),
        tuple(
            int(width)
            for width in (
                bands.price_fall_bps,
                bands.utilisation_rise_bps,
                bands.supply_rise_bps,
                bands.borrow_rise_bps,
            )
        ),
    )
    site.client.send(site.deployer, market.functions.setConfigurator(adapter.address))
    return site.put(
        "governor",
        "ParameterGovernor",
        (
            token.address,
            timelock.address,
            registry.address,
            adapter.address,
            config.guardian,
            sorted(config.treasuries, key=lambda address: int(address, 16)),
            int(config.veto_threshold_bps),
            int(config.mandate.spread_limit_bps),
            keccak(config.mandate.canonical()),
        ),
    )


def _grant_timelock_roles(site: _Site, governor: Contract) -> None:
    timelock = site.client.contract("TribunateTimelock", site.addresses["timelock"])
    for role in ("PROPOSER_ROLE", "EXECUTOR_ROLE", "CANCELLER_ROLE"):
        site.client.send(site.deployer, timelock.functions.grantRole(keccak(role.encode()), governor.address))


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
    registry = client.contract("AgentRegistry", deployment.addresses["registry"])
    client.send(owner, registry.functions.seat([a.encoded() for a in attestations]))
    return int(client.call(registry.functions.seatVersion()))


def seal(client: ChainClient, deployer: TransactionSigner, deployment: Deployment) -> None:
    """Hand everything to the timelock, renounce its admin, and check that no other key rules.

    Raises:
        GovernanceError: something still has another owner.
    """
    timelock = client.contract("TribunateTimelock", deployment.addresses["timelock"])
    for contract in _owned(client, deployment):
        client.send(deployer, contract.functions.transferOwnership(timelock.address))
    admin = bytes(32)
    client.send(deployer, timelock.functions.renounceRole(admin, deployer.address))
    require_sealed(client, deployment, former_owner=deployer.address)


def require_sealed(client: ChainClient, deployment: Deployment, *, former_owner: str) -> None:
    """Check that the timelock owns everything and obeys the governor alone.

    Raises:
        GovernanceError: an owner or role is not what it must be.
    """
    addresses = deployment.addresses
    for contract in _owned(client, deployment):
        owner = client.call(contract.functions.owner())
        _require(owner == addresses["timelock"], f"{contract.address} is owned by {owner}")
    market = client.contract("DemoLendingMarket", addresses["market"])
    configurator = client.call(market.functions.configurator())
    _require(configurator == addresses["adapter"], f"the market obeys {configurator}")
    timelock = client.contract("TribunateTimelock", addresses["timelock"])
    for role in ("PROPOSER_ROLE", "EXECUTOR_ROLE", "CANCELLER_ROLE"):
        name = keccak(role.encode())
        held = client.call(timelock.functions.hasRole(name, addresses["governor"]))
        _require(held, f"the governor lacks {role}")
        for stranger in (former_owner, "0x" + "00" * 20):
            held = client.call(timelock.functions.hasRole(name, stranger))
            _require(not held, f"{stranger} holds {role}")
    held = client.call(timelock.functions.hasRole(bytes(32), former_owner))
    _require(not held, f"{former_owner} administers the timelock")
    _require_treasuries_apart(client, deployment)


def _require_treasuries_apart(client: ChainClient, deployment: Deployment) -> None:
    """Check that each excluded treasury delegates to itself, so that nobody votes with its tokens."""
    governor = client.contract("ParameterGovernor", deployment.addresses["governor"])
    token = client.contract("GovernanceToken", deployment.addresses["governance_token"])
    for treasury in client.call(governor.functions.treasuries()):
        delegate = client.call(token.functions.delegates(treasury))
        if delegate != treasury:
            raise GovernanceError(
                f"treasury {treasury} has delegated to {delegate}",
                allowed="itself",
                hint="let it delegate to itself before sealing",
            )


def _require(holds: bool, found: str) -> None:
    if not holds:
        raise GovernanceError(found, allowed="the timelock, which obeys the governor alone")


def _owned(client: ChainClient, deployment: Deployment) -> list[Contract]:
    kinds = (
        ("DemoLendingMarket", "market"),
        ("AgentRegistry", "registry"),
        ("DemoOracle", "oracle"),
        ("DemoToken", "collateral_token"),
        ("DemoToken", "debt_token"),
    )
    return [client.contract(kind, deployment.addresses[role]) for kind, role in kinds]
