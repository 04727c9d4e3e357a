"""Whether what stands on chain is what a plan says: every value read back, line by line.

code ─► owners and roles ─► governors and votes ─► gate ─► adapter, markets, limits ─► settlement ─► seats
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from contracts.artifacts import load_artifact
from core.errors import ConfigError
from governance.client import ChainClient
from governance.deployment import Deployment
from governance.founding.check_markets import ENTRANCES, market_lines
from governance.founding.comparison import Line
from governance.founding.dao import GOVERNORS, TIMELOCK_ROLES, TIMELOCK_SECONDS, ascending_addresses
from governance.founding.demo import DemoStart
from governance.founding.deployed_code import runs_the_code
from governance.founding.from_plan import DeploymentPlan
from governance.founding.reading import Reading
from governance.founding.sealing import ADMIN, NOBODY
from governance.founding.voting_power import TokenKind, require_token, treasury_delegate
from governance.signing import domain_separator, keccak

HOLDERS_DELAY_SECONDS = 12 * 3600
HOLDERS_PERIOD_SECONDS = 5 * 24 * 3600
GUARDIAN_TERM_SECONDS = 180 * 24 * 3600
DOMAINS = {
    "gate": "Tribunate",
    "governor": "Tribunate",
    "holder_governor": "Tribunate holders",
    "registry": "AgentRegistry",
    "scores": "Tribunate scores",
}
"""Names of EIP-712 domains, version ``1``: immutable values, which the comparison of code leaves out."""


def check_deployment(client: ChainClient, deployment: Deployment, plan: DeploymentPlan) -> tuple[Line, ...]:
    """Return every value that the plan says, with what the chain has.

    Raises:
        ChainError: the end point does not answer.
    """
    read = Reading(client, deployment, plan)
    first = tuple(_code(read))
    if not all(line.holds for line in first):
        return first
    return (*first, *_everything(read))


def check_powers(client: ChainClient, deployment: Deployment, plan: DeploymentPlan) -> tuple[Line, ...]:
    """Return whether the protocol lets the adapter write, where its own governance decides that."""
    if isinstance(plan.protocol, DemoStart):
        return ()
    return tuple(plan.protocol.powers(client, deployment.addresses["adapter"], plan.markets))


def _code(read: Reading) -> Iterator[Line]:
    """The chain, and which code stands where."""
    yield Line("chain_id", read.plan.chain_id, read.client.chain_id)
    yield Line("chain_id of the deployment record", read.plan.chain_id, read.deployment.chain_id)
    for role, kind in read.kinds.items():
        if role == "governance_token" and read.plan.charter.token is not None:
            continue
        code = read.client.request("eth_getCode", read.at[role], "latest")
        ours = runs_the_code(load_artifact(kind).bytecode, bytes.fromhex(code.removeprefix("0x")))
        yield Line(f"code of {role}", kind, kind if ours else "other code")


def _everything(read: Reading) -> Iterator[Line]:
    """All that the file says, in its order."""
    yield from _owners(read)
    yield from _roles(read)
    yield from _governors(read)
    yield from _votes(read)
    yield from _gate(read)
    yield from _domains(read)
    yield from market_lines(read)
    yield from _settlement(read)
    yield from _seats(read)


def _owners(read: Reading) -> Iterator[Line]:
    for _, role in read.plan.owned:
        yield read.line(read.at["timelock"], role, "owner")


def _roles(read: Reading) -> Iterator[Line]:
    """Every account that was ever granted a role of the timelock, and holds it still."""
    yield read.line(TIMELOCK_SECONDS, "timelock", "getMinDelay")
    timelock = read.client.contract("TribunateTimelock", read.at["timelock"])
    logs = timelock.events.RoleGranted().get_logs(from_block=read.deployment.block)
    granted = {(bytes(log["args"]["role"]), str(log["args"]["account"])) for log in logs}
    own = (ADMIN, read.at["timelock"])
    yield Line("the record's block is before the timelock's creation", True, own in granted)
    governors = sorted(read.at[name] for name in GOVERNORS)
    wanted = dict.fromkeys(TIMELOCK_ROLES, governors) | {"DEFAULT_ADMIN_ROLE": [read.at["timelock"]]}
    for role, holders in wanted.items():
        name = ADMIN if role == "DEFAULT_ADMIN_ROLE" else keccak(role.encode())
        accounts = {account for known, account in granted if known == name} | {NOBODY, *holders}
        held = sorted(a for a in accounts if read.ask("timelock", "hasRole", name, a))
        yield Line(f"timelock {role}", holders, held)


def _governors(read: Reading) -> Iterator[Line]:
    charter, at = read.plan.charter, read.at
    yield read.line(int(charter.veto_threshold_bps), "governor", "vetoThresholdBps")
    for role in ("governor", "seats"):
        yield read.line(charter.guardian, role, "guardian")
        named = read.ask(role, "guardianExpiresAt") - GUARDIAN_TERM_SECONDS
        since = read.client.timestamp(read.deployment.block) <= named <= read.client.timestamp()
        yield Line(f"{role}'s guardian expires 180 days after it was named", True, since)
    yield read.line(at["veto_power"], "governor", "vetoPower")
    for role in GOVERNORS:
        yield read.line(at["timelock"], role, "timelock")
    yield read.line(at["gate"], "governor", "gate")
    yield read.line(at["gate"], "fast_lane", "gate")
    yield read.line(charter.holder_proposal_votes, "holder_governor", "proposalThreshold")
    yield read.line(charter.holder_quorum_percent, "holder_governor", "quorumNumerator")
    yield read.line(HOLDERS_DELAY_SECONDS, "holder_governor", "votingDelay")
    yield read.line(HOLDERS_PERIOD_SECONDS, "holder_governor", "votingPeriod")
    yield read.line(at["veto_power"], "holder_governor", "token")


def _votes(read: Reading) -> Iterator[Line]:
    charter, at = read.plan.charter, read.at
    power, token = charter.power, charter.token or at["governance_token"]
    yield Line("governance_token of the deployment record", token, at["governance_token"])
    yield read.line(token, "veto_power", power.token_getter)
    if power.block_milliseconds is not None:
        yield read.line(power.block_milliseconds, "veto_power", "blockMilliseconds")
    yield read.line(ascending_addresses(charter.treasuries), "veto_power", "treasuries")
    if charter.token is not None:
        try:
            require_token(read.client, token, power)
        except ConfigError as error:
            yield Line("the token that the file names", power.kind.value, error.found)
            return
    for treasury in charter.treasuries:
        escrow = at["veto_power"]
        found = treasury_delegate(read.client, power, token=token, escrow=escrow, treasury=treasury)
        yield Line(f"delegate of treasury {treasury}", treasury, found)
    if charter.token is None:
        yield read.line(charter.total_votes, "governance_token", "totalSupply")


def _domains(read: Reading) -> Iterator[Line]:
    """What signatures are made for: these contracts, on this chain."""
    chain, at = read.client.chain_id, read.at
    separator = domain_separator("Tribunate", chain, at["gate"])
    yield Line("gate.domainSeparator", separator.hex(), bytes(read.ask("gate", "domainSeparator")).hex())
    domains = dict(DOMAINS)
    if read.plan.charter.power.kind is TokenKind.ESCROW:
        domains["veto_power"] = "Tribunate escrow"
    if read.plan.charter.token is None:
        domains["governance_token"] = "Tribunate"
    for role, name in domains.items():
        found = tuple(read.ask(role, "eip712Domain"))[1:5]
        yield Line(f"{role}.eip712Domain", (name, "1", chain, at[role]), found)


def _gate(read: Reading) -> Iterator[Line]:
    charter, at = read.plan.charter, read.at
    for name, role in (("seats", "seats"), ("models", "models"), *ENTRANCES):
        yield read.line(at[role], "gate", name)
    yield Line("mandate's hash", charter.mandate_hash.hex(), bytes(read.ask("gate", "mandateHash")).hex())
    yield read.line(int(charter.spread_limit_bps), "gate", "spreadLimitBps")
    yield read.line(at["registry"], "seats", "identities")
    yield read.line(at["seats"], "registry", "seatWatch")


def _settlement(read: Reading) -> Iterator[Line]:
    charter, at = read.plan.charter, read.at
    token = read.plan.bond_token or at["debt_token"]
    yield read.line(token, "bonds", "token")
    yield read.line(at["registry"], "bonds", "identities")
    yield read.line(at["gate"], "bonds", "gate")
    yield read.line(charter.challenge_bond, "bonds", "challengeBond")
    yield read.line(NOBODY, "bonds", "verifier")
    yield read.line(token, "scores", "bondToken")
    yield read.line(charter.score_bond, "scores", "bond")
    yield read.line(at["seats"], "scores", "seats")
    yield read.line(at["registry"], "scores", "identities")
    allotted = read.set_since("token", "scores", "AllotmentSet", "allotment")
    yield Line("tokens that scores may pay", [], [token for token, most in allotted.items() if most])


def _seats(read: Reading) -> Iterator[Line]:
    rows = read.ask("seats", "seatsOf", read.ask("seats", "seatVersion"))
    found = {int(row[0]): _seat_text(_plain(row)) for row in rows}
    wanted = {
        seat.attestation.agent_id: (
            seat.wallet,
            seat.attestation.operator,
            seat.attestation.family,
            seat.attestation.data_source,
        )
        for seat in read.plan.seats
    }
    for agent in sorted(wanted.keys() | found.keys()):
        yield Line(f"seat of agent {agent}", wanted.get(agent), found.get(agent))
        if agent in wanted:
            yield Line(f"agent {agent} has a voice", True, read.ask("seats", "isActive", wanted[agent][0]))


def _seat_text(row: tuple[Any, ...]) -> tuple[str, ...]:
    _, wallet, _, *texts = row
    return (str(wallet), *(bytes(text).rstrip(b"\0").decode(errors="replace") for text in texts))


def _plain(row: Any) -> tuple[Any, ...]:
    return tuple(row)
