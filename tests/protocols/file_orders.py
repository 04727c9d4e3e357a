"""A DAO's file from ``deploy/`` on its way to a test chain, with that chain's addresses in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from governance.client import ChainClient
from governance.deployment import load_deployment
from governance.founding.check import check_deployment
from governance.founding.comparison import differences
from governance.founding.from_plan import DeploymentPlan, draft
from governance.rehearsal import known_key
from tribunate.dao_deploy import Order
from tribunate.dao_plan import read_plan

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
DEPLOYER = known_key("deployer")


@dataclass(frozen=True, slots=True)
class FileOrder:
    """A file with a chain's own addresses; ``client`` knows our contracts only."""

    client: ChainClient
    file: Path

    @property
    def order(self) -> Order:
        """Return what the command line would make of the file."""
        return Order(self.client, DEPLOYER, read_plan(self.file), self.file.with_name("deployment.json"))

    def changed(self, old: str, new: str) -> DeploymentPlan:
        """Return the plan of the file with one change, in the first place where ``old`` stands."""
        text = self.file.read_text()
        assert old in text
        other = self.file.with_name("changed.toml")
        other.write_text(text.replace(old, new, 1))
        return read_plan(other)

    def ordered(self, old: str, new: str) -> Order:
        """Return the order of the file with one change."""
        plan = self.changed(old, new)
        return Order(self.client, DEPLOYER, plan, self.file.with_name("deployment.json"))

    def seated(self, wallet: str) -> FileOrder:
        """Return the file with a seat that nobody has registered for: it stops before it is sealed."""
        seat = (
            f'[[seats]]\nagent_id = 1\nwallet = "{wallet}"\noperator = "o"\nfamily = "f"\ndata_source = "d"'
        )
        other = self.file.with_name("seated.toml")
        other.write_text(f"{self.file.read_text()}\n{seat}\n")
        return FileOrder(self.client, other)

    def wrong(self, plan: DeploymentPlan | None = None) -> list[str]:
        """Return what differs from the file, or from another plan."""
        deployment = load_deployment(self.order.out)
        lines = check_deployment(self.client, deployment, plan or self.order.plan)
        return [line.what for line in differences(lines)]

    def over_the_bound(self) -> list[str]:
        """Return the steps, all of them sent, that have used more gas than a dry run says."""
        order = self.order
        journal = order.journal()
        steps = draft(order.client, DEPLOYER.address, order.plan, journal=journal).steps
        journal.close()
        used = {step.purpose: order.client.receipt(step.sent or "") for step in steps}
        assert None not in used.values()
        return [
            step.purpose for step in steps if (found := used[step.purpose]) and found["gasUsed"] > step.gas
        ]


def file_order(name: str, folder: Path, client: ChainClient, real: Mapping[str, str]) -> FileOrder:
    """Put ``real`` addresses in the place of those of the file ``name``, and a local chain's number."""
    text = (DEPLOY / name).read_text()
    for old, new in real.items():
        assert old in text
        text = text.replace(old, new)
    number = next(line for line in text.splitlines() if line.startswith("chain_id = "))
    file = folder / name
    file.write_text(text.replace(number, f"chain_id = {client.chain_id}"))
    return FileOrder(ChainClient(client.rpc_url), file)
