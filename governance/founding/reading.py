"""One deployment, read contract by contract: what a role runs, what it answers, what its events name."""

from __future__ import annotations

from typing import Any

from web3.contract.contract import Contract

from governance.client import ChainClient
from governance.deployment import Deployment
from governance.founding.comparison import Line
from governance.founding.demo import DemoStart
from governance.founding.from_plan import DeploymentPlan

DEMO_KINDS = (
    ("market", "DemoLendingMarket"),
    ("oracle", "DemoOracle"),
    ("collateral_token", "DemoToken"),
    ("debt_token", "DemoToken"),
)
DAO_KINDS = (
    ("timelock", "TribunateTimelock"),
    ("registry", "AgentRegistry"),
    ("seats", "SeatRegistry"),
    ("models", "ModelRegistry"),
    ("gate", "UpdateGate"),
    ("governor", "ParameterGovernor"),
    ("fast_lane", "FastLane"),
    ("holder_governor", "HolderGovernor"),
    ("limits", "LimitBook"),
    ("sample", "PositionSample"),
    ("bonds", "Bonds"),
    ("scores", "ScoreBoard"),
)


class Reading:
    """Asks the contracts of one deployment, by their roles.

    Args:
        client: The chain.
        deployment: Where each role stands.
        plan: What should stand; ``kinds`` follows from it.
    """

    def __init__(self, client: ChainClient, deployment: Deployment, plan: DeploymentPlan) -> None:
        self.client = client
        self.deployment = deployment
        self.plan = plan
        self.at = deployment.addresses
        self.kinds = {
            **dict(DAO_KINDS),
            "veto_power": plan.charter.power.contract,
            "adapter": plan.adapter_kind,
            "governance_token": "GovernanceToken",
        }
        if isinstance(plan.protocol, DemoStart):
            self.kinds.update(DEMO_KINDS)

    def contract(self, role: str) -> Contract:
        """Return the contract of a role."""
        return self.client.contract(self.kinds[role], self.at[role])

    def ask(self, role: str, name: str, *arguments: object) -> Any:
        """Return what a getter of a role answers now; of several of a name, the one without arguments."""
        contract = self.contract(role)
        if not arguments:
            return self.client.call(contract.get_function_by_signature(f"{name}()")())
        return self.client.call(contract.functions[name](*arguments))

    def line(self, wanted: object, role: str, name: str) -> Line:
        """Return the comparison of one getter."""
        return Line(f"{role}.{name}", wanted, self.ask(role, name))

    def set_since(self, argument: str, role: str, event: str, getter: str) -> dict[str, Any]:
        """Return what a mapping holds now, by the keys that the contract's events have named."""
        logs = self.contract(role).events[event]().get_logs(from_block=self.deployment.block)
        keys = sorted({str(log["args"][argument]) for log in logs})
        return {key: self.ask(role, getter, key) for key in keys}
