"""Which getters of a deployment's contracts a check has not asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from web3.contract.contract import ContractFunction

from contracts.artifacts import Artifact, load_artifact
from governance.client import ChainClient
from governance.deployment import Deployment
from governance.founding.check import check_deployment
from governance.founding.from_plan import DeploymentPlan
from governance.founding.reading import Reading

FIXED_BY_CODE = frozenset(
    [
        "BALLOT_TYPEHASH",
        "BURNED",
        "CANCELLER_ROLE",
        "CHALLENGE_SECONDS",
        "CLOCK_MODE",
        "COUNTING_MODE",
        "CUT_PAUSE_SECONDS",
        "DEFAULT_ADMIN_ROLE",
        "DOMAIN_SEPARATOR",
        "EXECUTOR_ROLE",
        "EXTENDED_BALLOT_TYPEHASH",
        "EXTENSION_SECONDS",
        "GRACE_SECONDS",
        "GUARDIAN_TERM_SECONDS",
        "HANDOVER_SECONDS",
        "HEAVIEST",
        "HIGHEST_VETO_THRESHOLD_BPS",
        "LARGEST_SAMPLE",
        "LATE_SECONDS",
        "LOCK_SECONDS",
        "MOST_SEATS",
        "MOST_TREASURIES",
        "PROPOSER_ROLE",
        "RAMP_LAPSE_SECONDS",
        "RAMP_MOST_BPS",
        "RAMP_STEP_BPS",
        "RAMP_STEP_SECONDS",
        "RESERVE_FACTOR_BPS",
        "RESTORE_SECONDS",
        "SMALLEST_TABLE",
        "UNBONDING_SECONDS",
        "WAIT_SECONDS",
        "clock",
        "quorumDenominator",
        "version",
    ]
)
"""Constants, and pure functions: the comparison of code holds them."""

NAMES = frozenset({"name", "symbol"})
"""For people; nothing decides by them."""

USE = frozenset(
    [
        "borrowState",
        "cutCount",
        "lastAgentId",
        "latestRoundData",
        "marketState",
        "observedAt",
        "oraclePrice",
        "price",
        "reportedAt",
        "roundId",
        "totalBonds",
        "totalCollateral",
        "totalSupply",
    ]
)
"""What grows with use and is nobody's setting; first price and positions are a demo market's start only."""

OF_ONE_ROLE = {
    "governor.proposalThreshold": "a constant there",
    "governor.token": "the same as vetoPower",
    "governor.votingDelay": "a constant there",
    "governor.votingPeriod": "a constant there",
    "governance_token.decimals": "a constant",
    "oracle.decimals": "a constant",
}


class AskedClient(ChainClient):
    """Keeps which getter of which address was asked."""

    def __init__(self, url: str, *, artifacts: Callable[[str], Artifact] = load_artifact) -> None:
        super().__init__(url, artifacts=artifacts)
        self.asked: set[tuple[str, str]] = set()

    def call(self, function: ContractFunction, *, block: int | None = None, sender: str | None = None) -> Any:
        """Ask, and keep it."""
        self.asked.add((str(function.address), function.fn_name))
        return super().call(function, block=block, sender=sender)


def unasked(url: str, deployment: Deployment, plan: DeploymentPlan) -> set[str]:
    """Return each getter without arguments that is neither asked nor one of those above, by role."""
    client = AskedClient(url)
    check_deployment(client, deployment, plan)
    kinds = Reading(client, deployment, plan).kinds
    if plan.charter.token is not None:
        del kinds["governance_token"]  # somebody else's
    return {
        f"{role}.{name}"
        for role, kind in kinds.items()
        for name in getters(kind)
        if (deployment.addresses[role], name) not in client.asked
        and name not in FIXED_BY_CODE | NAMES | USE
        and f"{role}.{name}" not in OF_ONE_ROLE
    }


def getters(kind: str) -> set[str]:
    """Return the names of functions that read and take nothing."""
    views = {"view", "pure"}
    functions = [entry for entry in load_artifact(kind).abi if entry["type"] == "function"]
    return {f["name"] for f in functions if f["stateMutability"] in views and not f["inputs"]}
