"""Set the stage: a chain, the contracts, a market with borrowers, and four agents in their seats."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.mandate import Mandate
from core.position import Position
from governance.client import ChainClient
from governance.deployment import Deployment, save_deployment
from governance.founding.demo import (
    VOTES_ONE,
    DeployConfig,
    Holder,
    SeatAttestation,
    deploy,
    fund,
    seat,
)
from governance.founding.sealing import seal
from governance.keys import make_keystore
from governance.signing import LocalSigner, keccak
from models.data import snapshots
from tribunate import network
from tribunate.demo.cast import CAST, write_agent_file
from tribunate.demo.display import Display, utc
from tribunate.demo.processes import Processes, wait_for
from tribunate.demo.world import World
from tribunate.run_folder import RunFolder, write_json

if TYPE_CHECKING:
    from simulations.demo_market import DemoMarket

HOLDER_VOTES = 7_000 * VOTES_ONE
"""0.7 % of all votes: above the veto threshold of 0.5 %."""

EPOCH_SECONDS = 8 * 24 * 3600
"""Window 72 h, timelock 24 h and delay 3 d must pass between two executed changes."""

FIRST_EPOCH_AFTER_SECONDS = 3600

HONEST = ["tribunate", "agent", "run"]


@dataclass(slots=True)
class Stage:
    """What stands when the first epoch begins."""

    folder: RunFolder
    market: DemoMarket
    mandate: Mandate
    client: ChainClient
    deployment: Deployment
    world: World
    processes: Processes
    first_start: int
    paths: int
    names: dict[int, str] = field(default_factory=dict)
    wallets: dict[str, str] = field(default_factory=dict)

    def start_of(self, epoch: int) -> int:
        """Return when ``epoch`` starts, chain time."""
        return self.first_start + (epoch - 1) * self.mandate.epoch_seconds


def build_stage(
    folder: RunFolder,
    market: DemoMarket,
    *,
    processes: Processes,
    paths: int,
    on_event: Any,
    display: Display,
    chat_model: str = "",
    commands: Mapping[str, list[str]] | None = None,
) -> Stage:
    """Start the chain, deploy, and let the agents register, train and take their seats."""
    deployer = LocalSigner(secrets.token_bytes(32))
    url = _start_chain(folder, market, deployer, processes=processes, on_event=on_event)
    client = ChainClient(url)
    mandate = replace(market.mandate, epoch_seconds=EPOCH_SECONDS)
    holder = make_keystore(folder.holder, "holder")
    deployment = deploy(client, deployer, _config(market, mandate, deployer=deployer, holder=holder))
    save_deployment(deployment, folder.deployment)
    first_start = market.genesis_time + FIRST_EPOCH_AFTER_SECONDS
    shared = network.describe(market, mandate=mandate, first_start=first_start, paths=paths)
    write_json(folder.network, shared)
    world = World(client, deployment, deployer, market.feeds["oracle"])
    stage = Stage(folder, market, mandate, client, deployment, world, processes, first_start, paths)
    display.detail(f"chain {client.chain_id} at {url}   genesis {utc(market.genesis_time)}")
    _seat_agents(stage, deployer, url=url, on_event=on_event, commands=commands or {}, chat_model=chat_model)
    return stage


def _start_chain(
    folder: RunFolder, market: DemoMarket, deployer: LocalSigner, *, processes: Processes, on_event: Any
) -> str:
    arguments = ["tribunate.chain_process", "--db", str(folder.chain.resolve())]
    arguments += ["--genesis-time", str(market.genesis_time), "--fund", deployer.address]
    processes.start("chain", arguments, log=folder.path / "chain.log")
    _, event = wait_for(
        processes,
        lambda name, said: name == "chain" and said["type"] == "listening",
        seconds=60,
        what="the chain",
        on_event=on_event,
    )
    return str(event["url"])


def _config(
    market: DemoMarket, mandate: Mandate, *, deployer: LocalSigner, holder: LocalSigner
) -> DeployConfig:
    borrowers = tuple(
        Position(borrower_address(market.seed, p.account), p.collateral, p.debt) for p in market.positions
    )
    return DeployConfig(
        mandate=mandate,
        parameters=market.parameters,
        oracle_price=market.oracle_price,
        oracle_time=market.genesis_time,
        reporter=deployer.address,
        guardian=LocalSigner(secrets.token_bytes(32)).address,
        liquidity=market.debt_supply,
        reserves=market.reserves,
        borrowers=borrowers,
        holders=(Holder(holder.address, HOLDER_VOTES, holder),),
    )


def borrower_address(seed: int, account: str) -> str:
    """Return the address that stands for a drawn borrower (nobody holds its key)."""
    from eth_utils.address import to_checksum_address

    return to_checksum_address(keccak(f"tribunate borrower {seed} {account}".encode())[-20:])


def _seat_agents(
    stage: Stage,
    deployer: LocalSigner,
    *,
    url: str,
    on_event: Any,
    commands: Mapping[str, list[str]],
    chat_model: str,
) -> None:
    """Start four processes; fund what they name, seat what they register, then let go of all power."""
    store = {source: snapshots.store(feed, stage.folder.data) for source, feed in stage.market.feeds.items()}
    for role in CAST:
        prices: Path = store[role.source]
        path = write_agent_file(stage.folder, role, rpc_url=url, prices=prices, chat_model=chat_model)
        log = stage.folder.agent(role.name) / "agent.log"
        command = [*commands.get(role.name, HONEST), "--config", str(path.resolve())]
        stage.processes.start(role.name, command, log=log)
    identities = _collect(stage, "identity", seconds=90, on_event=on_event)
    stage.wallets = {name: event["wallet"] for name, event in identities.items()}
    fund(stage.client, deployer, list(stage.wallets.values()))
    registered = _collect(stage, "registered", seconds=240, on_event=on_event)
    stage.names = {int(event["agent_id"]): name for name, event in registered.items()}
    attestations = [
        SeatAttestation(int(registered[r.name]["agent_id"]), r.operator, r.family, r.source) for r in CAST
    ]
    ascending = sorted(attestations, key=lambda attestation: attestation.agent_id)
    seat(stage.client, deployer, stage.deployment, attestations=ascending)
    seal(stage.client, deployer, stage.deployment)
    _collect(stage, "ready", seconds=60, on_event=on_event)


def _collect(stage: Stage, kind: str, *, seconds: float, on_event: Any) -> dict[str, dict[str, Any]]:
    """Return one event of ``kind`` from every agent."""
    found: dict[str, dict[str, Any]] = {}
    while len(found) < len(CAST):
        name, event = wait_for(
            stage.processes,
            lambda name, said: name != "chain" and name not in found and said["type"] == kind,
            seconds=seconds,
            what=f"{kind!r} from every agent",
            on_event=on_event,
        )
        found[name] = event
    return found
