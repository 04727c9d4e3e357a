"""A deployment from a plan: the whole DAO before the demo market or a protocol that stands, sent or drafted.

draft    every step on paper, nothing sent
carry    contracts ─► what others must do (agents register, treasuries delegate) ─► seats ─► hand over
         ─► sealed                                        cut anywhere: the next run goes on there
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from core.errors import ConfigError, GovernanceError
from governance.client import ChainClient, TransactionSigner
from governance.deployment import Deployment
from governance.founding.dao import (
    Charter,
    GovernedMarket,
    grant_timelock_roles,
    lay_adapter,
    lay_dao,
    lay_settlement,
)
from governance.founding.demo import DemoStart, SeatAttestation, lay_demo_adapter, lay_market
from governance.founding.foreign import require_code
from governance.founding.live_protocol import LiveProtocol
from governance.founding.sealing import OWNED, OWNED_BY_EVERY_DAO, Owned, hand_over, require_sealed
from governance.founding.site import DraftedStep, DraftSite, JournalSite, Site, standing
from governance.founding.voting_power import require_token, treasury_delegate
from governance.outbox import Outbox

DEMO_ADAPTER = "DemoMarketAdapter"


@dataclass(frozen=True, slots=True)
class NamedSeat:
    """A seat, and the wallet that must hold the identity before it is attested."""

    attestation: SeatAttestation
    wallet: str


@dataclass(frozen=True, slots=True)
class DeploymentPlan:
    """What is to stand; everything that a file says.

    ``bond_token`` may be left out where the demo market stands: its debt token then.  ``holders`` receive all
    votes of a new token.  ``digest`` is that of the file's content: a journal belongs to one.
    """

    chain_id: int
    market_name: str
    charter: Charter
    protocol: DemoStart | LiveProtocol
    markets: tuple[GovernedMarket, ...]
    bond_token: str | None
    holders: tuple[tuple[str, int], ...]
    seats: tuple[NamedSeat, ...]
    digest: bytes

    @property
    def adapter_kind(self) -> str:
        """The adapter's contract."""
        return DEMO_ADAPTER if isinstance(self.protocol, DemoStart) else self.protocol.adapter_kind

    @property
    def owned(self) -> Owned:
        """Contracts that the timelock is to own."""
        if isinstance(self.protocol, DemoStart):
            return OWNED
        return (*OWNED_BY_EVERY_DAO, (self.adapter_kind, "adapter"))


def draft(client: ChainClient, owner: str, plan: DeploymentPlan, *, journal: Outbox | None) -> DraftSite:
    """Return every step on paper; with a journal, those that a run has sent are marked.

    Raises:
        ConfigError: the chain is another, or what must stand already does not.
    """
    require_ready(client, plan)
    site = DraftSite(client, owner, journal)
    lay_contracts(site, plan)
    lay_end(site, plan)
    return site


def carry(
    client: ChainClient,
    deployer: TransactionSigner,
    plan: DeploymentPlan,
    *,
    journal: Outbox,
    save: Callable[[Deployment], None],
) -> Deployment:
    """Send what no run has sent yet, seat, hand over, and check that no other key rules.

    Args:
        client: The chain.
        deployer: Owns everything until it is handed over.
        plan: The same as that of the runs before.
        journal: What was sent.
        save: Called as soon as the contracts stand: agents need their addresses to register.

    Raises:
        ConfigError: the chain is another, or what must stand already does not.
        GovernanceError: agents or treasuries must act first (run again then), or it is not sealed.
    """
    require_ready(client, plan)
    site = JournalSite(client, deployer, journal)
    lay_contracts(site, plan)
    deployment = Deployment(client.chain_id, plan.market_name, site.first_block, dict(site.addresses))
    save(deployment)
    waiting = missing(client, deployment, plan)
    if waiting:
        raise GovernanceError(
            "the contracts stand, but " + "; ".join(waiting),
            allowed="seats of registered agents, treasuries that delegate to themselves",
            hint="let them act, then run the same command again: it goes on where it stopped",
        )
    lay_end(site, plan)
    former, power = deployer.address, plan.charter.power
    require_sealed(client, deployment, former_owner=former, owned=plan.owned, power=power)
    return deployment


def lay_contracts(site: Site, plan: DeploymentPlan) -> None:
    """Take every step up to the roles and the holders' tokens."""
    if isinstance(plan.protocol, DemoStart):
        lay_market(site, replace(plan.protocol, oracle_time=site.client.timestamp()))
    else:
        site.addresses.update(plan.protocol.record(site.client, plan.markets))
    lay_dao(site, plan.charter)
    markets, delegate = resolved_markets(plan, site.addresses), plan.charter.delegate
    if isinstance(plan.protocol, DemoStart):
        lay_demo_adapter(site, markets, delegate=delegate)
    else:
        protocol = plan.protocol
        arguments, naming = protocol.adapter_arguments(), protocol.naming
        lay_adapter(site, plan.adapter_kind, arguments, markets=markets, delegate=delegate, naming=naming)
    charter = plan.charter
    bonds = {"challenge_bond": charter.challenge_bond, "score_bond": charter.score_bond}
    lay_settlement(site, plan.bond_token or site.addresses["debt_token"], **bonds)
    grant_timelock_roles(site)
    if plan.charter.token is None:
        token = standing(site, "GovernanceToken", "governance_token")
        for address, votes in plan.holders:
            site.send(token.functions.transfer(address, votes))


def lay_end(site: Site, plan: DeploymentPlan) -> None:
    """Seat, then hand everything over."""
    if plan.seats:
        seats = standing(site, "SeatRegistry", "seats")
        site.send(seats.functions.seat([seat.attestation.encoded() for seat in plan.seats]))
    hand_over(site, plan.owned)


def resolved_markets(plan: DeploymentPlan, addresses: dict[str, str]) -> tuple[GovernedMarket, ...]:
    """Return the markets by their keys on chain; the demo market's is its collateral token."""
    if isinstance(plan.protocol, DemoStart):
        return tuple(replace(market, key=addresses["collateral_token"]) for market in plan.markets)
    return plan.markets


def missing(client: ChainClient, deployment: Deployment, plan: DeploymentPlan) -> tuple[str, ...]:
    """Return what agents and treasuries must do before the DAO is sealed."""
    at, found = deployment.addresses, []
    registry = client.contract("AgentRegistry", at["registry"])
    registered = client.call(registry.functions.lastAgentId())
    for seat in plan.seats:
        agent = seat.attestation.agent_id
        wallet = client.call(registry.functions.getAgentWallet(agent)) if agent <= registered else None
        if wallet != seat.wallet:
            found.append(f"agent {agent} is not registered at {at['registry']} with wallet {seat.wallet}")
    token, escrow = at["governance_token"], at["veto_power"]
    for treasury in plan.charter.treasuries:
        power = plan.charter.power
        if treasury_delegate(client, power, token=token, escrow=escrow, treasury=treasury) != treasury:
            found.append(f"treasury {treasury} has not delegated to itself")
    return tuple(found)


def require_ready(client: ChainClient, plan: DeploymentPlan) -> None:
    """Check the chain, and what must stand there before anything is deployed.

    Raises:
        ConfigError: another chain, no contract at an address, or one that is not what the file says.
    """
    if client.chain_id != plan.chain_id:
        raise ConfigError(
            f"the file is for chain {plan.chain_id}, the end point serves chain {client.chain_id}",
            hint="point --rpc at the right chain, or change chain_id",
        )
    token = plan.charter.token
    if token is not None:
        require_token(client, token, plan.charter.power)
    if plan.bond_token is not None:
        require_code(client, plan.bond_token, "bonds.token")
    if not isinstance(plan.protocol, DemoStart):
        plan.protocol.require_ready(client, plan.markets)


def open_journal(
    client: ChainClient, deployer: TransactionSigner, plan: DeploymentPlan, path: Path
) -> Outbox:
    """Return the journal beside a deployment record; it belongs to one file, one key and one chain.

    Raises:
        ConfigError: it is another deployment's.
    """
    mark = path.with_suffix(path.suffix + ".of")
    content = f"{plan.digest.hex()} {plan.chain_id} {deployer.address}\n"
    if path.exists() and mark.exists() and mark.read_text(encoding="utf-8") != content:
        raise ConfigError(
            f"{path} is the journal of another file, key or chain",
            allowed="the file as it was when the deployment began",
            hint="restore the file, or choose another --out to deploy anew",
        )
    mark.write_text(content, encoding="utf-8")
    return Outbox(client, deployer, path)


def total_gas(steps: list[DraftedStep]) -> int:
    """Return a bound of what is left to send."""
    return sum(step.gas for step in steps if step.sent is None)
