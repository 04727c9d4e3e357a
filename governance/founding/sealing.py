"""From the deployer to the timelock: hand everything over, and check that no other key rules.

Nobody with a key of their own owns anything afterwards: the timelock owns, and obeys two governors.
"""

from __future__ import annotations

from core.errors import GovernanceError
from governance.client import ChainClient, TransactionSigner
from governance.deployment import Deployment
from governance.founding.dao import GOVERNORS, TIMELOCK_ROLES
from governance.founding.site import ChainSite, Site, standing
from governance.founding.voting_power import ERC20VOTES, VotingPower, treasury_delegate
from governance.signing import keccak

Owned = tuple[tuple[str, str], ...]

OWNED_BY_EVERY_DAO: Owned = (
    ("AgentRegistry", "registry"),
    ("SeatRegistry", "seats"),
    ("ModelRegistry", "models"),
    ("UpdateGate", "gate"),
    ("LimitBook", "limits"),
    ("Bonds", "bonds"),
    ("ScoreBoard", "scores"),
)
"""Contracts with an owner, and their roles in a deployment."""

OWNED: Owned = (
    ("DemoLendingMarket", "market"),
    *OWNED_BY_EVERY_DAO,
    ("DemoMarketAdapter", "adapter"),
    ("DemoOracle", "oracle"),
    ("DemoToken", "collateral_token"),
    ("DemoToken", "debt_token"),
)
"""The same where the demo market stands too."""

ADMIN = bytes(32)
"""OpenZeppelin's ``DEFAULT_ADMIN_ROLE``."""

NOBODY = "0x" + "00" * 20


def seal(client: ChainClient, deployer: TransactionSigner, deployment: Deployment) -> None:
    """Hand everything to the timelock, renounce its admin, and check that no other key rules.

    Raises:
        GovernanceError: something still has another owner.
    """
    site = ChainSite(client, deployer)
    site.addresses.update(deployment.addresses)
    hand_over(site, OWNED)
    require_sealed(client, deployment, former_owner=deployer.address)


def hand_over(site: Site, owned: Owned) -> None:
    """Make the timelock the owner of everything, and nobody its admin."""
    timelock = standing(site, "TribunateTimelock", "timelock")
    for kind, role in owned:
        site.send(standing(site, kind, role).functions.transferOwnership(timelock.address))
    site.send(timelock.functions.renounceRole(ADMIN, site.owner))


def require_sealed(
    client: ChainClient,
    deployment: Deployment,
    *,
    former_owner: str,
    owned: Owned = OWNED,
    power: VotingPower = ERC20VOTES,
) -> None:
    """Check that the timelock owns everything and obeys the two governors alone.

    Args:
        client: The chain.
        deployment: What stands.
        former_owner: Who must hold no role any more.
        owned: What the timelock must own.
        power: The kind of the token that votes.

    Raises:
        GovernanceError: an owner or role is not what it must be.
    """
    addresses = deployment.addresses
    for kind, role in owned:
        contract = client.contract(kind, addresses[role])
        owner = client.call(contract.functions.owner())
        _require(owner == addresses["timelock"], f"{contract.address} is owned by {owner}")
    if ("DemoLendingMarket", "market") in owned:
        market = client.contract("DemoLendingMarket", addresses["market"])
        configurator = client.call(market.functions.configurator())
        _require(configurator == addresses["adapter"], f"the market obeys {configurator}")
    _require_roles(client, deployment, strangers=(former_owner, NOBODY))
    _require_entrances(client, deployment)
    _require_treasuries_apart(client, deployment, power)
    _require_operators_apart(client, deployment)


def _require_roles(client: ChainClient, deployment: Deployment, *, strangers: tuple[str, ...]) -> None:
    """Roles can only have been granted in transactions since the deployment began: read them all."""
    addresses = deployment.addresses
    timelock = client.contract("TribunateTimelock", addresses["timelock"])
    allowed = {addresses[governor] for governor in GOVERNORS}
    for role in TIMELOCK_ROLES:
        name = keccak(role.encode())
        for governor in allowed:
            held = client.call(timelock.functions.hasRole(name, governor))
            _require(held, f"{governor} lacks {role}")
        for stranger in strangers:
            held = client.call(timelock.functions.hasRole(name, stranger))
            _require(not held, f"{stranger} holds {role}")
    for log in timelock.events.RoleGranted().get_logs(from_block=deployment.block):
        role, account = log["args"]["role"], log["args"]["account"]
        if account in allowed or account == timelock.address:
            continue
        held = client.call(timelock.functions.hasRole(role, account))
        _require(not held, f"{account} holds a role of the timelock")


def _require_entrances(client: ChainClient, deployment: Deployment) -> None:
    addresses = deployment.addresses
    for kind, role in (("UpdateGate", "gate"), ("DemoMarketAdapter", "adapter")):
        contract = client.contract(kind, addresses[role])
        found = client.call(contract.functions.governor()), client.call(contract.functions.fastLane())
        expected = addresses["governor"], addresses["fast_lane"]
        _require(found == expected, f"the {role}'s entrances are {found}")


def _require_treasuries_apart(client: ChainClient, deployment: Deployment, power: VotingPower) -> None:
    """Check that each excluded treasury delegates to itself, so that nobody votes with its tokens."""
    token, escrow = (deployment.addresses[role] for role in ("governance_token", "veto_power"))
    counts = client.contract(power.contract, escrow)
    for treasury in client.call(counts.functions.treasuries()):
        delegate = treasury_delegate(client, power, token=token, escrow=escrow, treasury=treasury)
        if delegate != treasury:
            raise GovernanceError(
                f"treasury {treasury} has delegated to {delegate}",
                allowed="itself",
                hint="let it delegate to itself before sealing",
            )


def _require_operators_apart(client: ChainClient, deployment: Deployment) -> None:
    """Check that the newest table, once it has four seats, is one that can propose."""
    seats = client.contract("SeatRegistry", deployment.addresses["seats"])
    version = client.call(seats.functions.seatVersion())
    enough = len(client.call(seats.functions.seatsOf(version))) >= client.call(
        seats.functions.SMALLEST_TABLE()
    )
    usable = client.call(seats.functions.isUsable(version))
    if enough and not usable:
        raise GovernanceError(
            "one operator holds more than f seats", allowed="at most f", hint="unseat some of its agents"
        )


def _require(holds: bool, found: str) -> None:
    if not holds:
        raise GovernanceError(found, allowed="the timelock, which obeys the two governors alone")
