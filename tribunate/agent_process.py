"""One agent as a process: keys, registration, training, and then the epoch loop until it is stopped.

keys ─► identity (up the pipe) ─► register on chain ─► wait for a seat ─► fit ─► listen, look, speak
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenacity import Retrying, retry_if_result, wait_fixed
from uagents_core.identity import Identity

from agents.agent import RiskAgent
from agents.binding import attest, bind
from agents.caller import Caller
from agents.desk import Desk
from agents.explanation import ChatSettings
from agents.journal import Journal
from agents.keeper import Keeper
from agents.plugins import load_strategy
from agents.scheduler import EpochScheduler
from agents.transport import UagentsTransport
from agents.watch import Watch
from agents.wire import protocol_digest
from core.epoch import keeper_order
from core.market import PriceHistory
from core.messages import SignedMessage
from core.negotiation import EpochContext
from core.ports import SeatTable, Strategy, TrainingProgress, TransportBinding
from core.update import ParameterUpdate
from governance.keys import load_keystore, make_keystore
from governance.outbox import Outbox
from governance.registry import AgentCard
from governance.signing import LocalSigner, keccak
from models.data import snapshots
from models.data.rounds import known_bars
from tribunate import network
from tribunate.config import AgentConfig, NetworkConfig
from tribunate.dao import Dao, SeatDirectory, connect_file, epoch_context, message_signer, seat_of
from tribunate.evidence import BundleWriter
from tribunate.keeping import ChainKeeper
from tribunate.model_book import ChainModels, commitment_of
from tribunate.pipe import Pipe, when_parent_ends

log = logging.getLogger("tribunate")

FIT_SEED = 1
REGISTRATION = "registration.json"


@dataclass(frozen=True, slots=True)
class Keys:
    """The wallet, and the seed of the uAgents identity; made by the agent, read by nobody else."""

    wallet: LocalSigner
    uagent_seed: str

    @property
    def identity(self) -> Identity:
        """The uAgents identity."""
        return Identity.from_seed(self.uagent_seed, 0)


def keys_of(home: Path) -> Keys:
    """Return the keys in ``home``, made on the first start."""
    signers = []
    for name in ("wallet", "uagent"):
        stored = (home / f"{name}.json").exists()
        signers.append(load_keystore(home, name) if stored else make_keystore(home, name))
    wallet, uagent = signers
    # deterministic (RFC 6979) and known to the key's holder alone
    return Keys(wallet, uagent.sign(keccak(b"tribunate uagents seed")).hex())


@dataclass(frozen=True, slots=True)
class RevealedPrices:
    """A price file, bars or an oracle's rounds, as far as the chain's clock has revealed it."""

    whole: PriceHistory

    def history(self, time: int) -> PriceHistory:
        """Return the hourly bars that were known at ``time``."""
        return known_bars(self.whole, time)


def run_agent(config: AgentConfig, pipe_descriptor: int | None) -> None:
    """Run until SIGTERM or SIGINT, or until the process that started this one ends."""
    logging.basicConfig(level=logging.WARNING, force=True, stream=sys.stderr)
    home = Path(config.home)
    home.mkdir(parents=True, exist_ok=True)
    os.chdir(home)
    process = AgentProcess(config, home, Pipe(pipe_descriptor))
    asyncio.run(serve_agent(process, watch_parent=pipe_descriptor is not None))


async def serve_agent(process: AgentProcess, *, watch_parent: bool) -> None:
    """Run one agent until a signal, or until the parent ends; always close it."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if watch_parent:
        when_parent_ends(lambda: _ask(loop, stop))
    working = asyncio.create_task(process.run())
    stopping = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if working in done:
        await working
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await process.close()


def _ask(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    loop.call_soon_threadsafe(stop.set)


class AgentProcess:
    """Everything that one agent holds while it runs."""

    def __init__(self, config: AgentConfig, home: Path, pipe: Pipe) -> None:
        self._config = config
        self._home = home
        self._pipe = pipe
        self._keys = keys_of(home)
        (home / "pid").write_text(f"{os.getpid()}\n", encoding="utf-8")
        self._network: NetworkConfig = network.load(Path(config.network))
        self._journal = Journal(home / "journal.sqlite")
        self._agent: RiskAgent | None = None
        self._waiting: list[SignedMessage] = []
        self._transport: UagentsTransport | None = None
        self._scheduler: EpochScheduler | None = None

    def report(self, event: dict[str, Any]) -> None:
        """Tell whoever started this process."""
        self._pipe.send(event)

    def _report_refused(self, event: dict[str, Any]) -> None:
        log.warning("%s", event["found"])
        self.report(event)

    async def run(self) -> None:
        """Register, train, and take part until cancelled."""
        config = self._config
        self.report(
            {
                "type": "identity",
                "wallet": self._keys.wallet.address,
                "uagent": self._keys.identity.address,
                "pid": os.getpid(),
            }
        )
        dao = await asyncio.to_thread(connect_file, config.rpc_url, Path(config.deployment))
        strategy, prices = load_strategy(config.strategy), snapshots.load(Path(config.prices))
        fitted_until = await asyncio.to_thread(self._fit, strategy, prices, dao)
        directory = Peers()
        self._transport = UagentsTransport(
            name=config.name, seed=self._keys.uagent_seed, directory=directory, handler=self._receive
        )
        endpoint = await self._transport.start(port=config.port)
        await asyncio.to_thread(self._register, dao, endpoint)
        seats = await asyncio.to_thread(self._wait_for_seat, dao)
        directory.known = SeatDirectory(
            dao, seats, protocol_digest=protocol_digest(), report=self._report_refused
        )
        self._agent = self._assemble(dao, seats, strategy, prices, fitted_until=fitted_until)
        await self._take_part(dao, self._agent)

    async def _take_part(self, dao: Dao, agent: RiskAgent) -> None:
        calendar = network.calendar_of(self._network)
        for message in self._waiting:
            await agent.receive(message)
        for epoch in self._journal.running():
            await agent.start(epoch)
        self._scheduler = EpochScheduler(
            calendar=calendar,
            journal=self._journal,
            clock=lambda: asyncio.to_thread(dao.reader.chain_time),
            start=agent.start,
            tick=agent.tick,
            poll_seconds=self._config.poll_seconds,
        )
        self._scheduler.run()
        self.report({"type": "ready"})
        await asyncio.Event().wait()

    async def _receive(self, message: SignedMessage) -> None:
        if self._agent is None:
            self._waiting.append(message)
        else:
            await self._agent.receive(message)

    def _fit(self, strategy: Strategy, prices: PriceHistory, dao: Dao) -> int:
        """Train on what the chain's clock has revealed; return where the sample ended."""
        known = known_bars(prices, dao.reader.chain_time())
        strategy.fit(known, seed=FIT_SEED, report=self._training)
        self.report({"type": "trained", "bars": len(known), "until": known.last_time})
        return known.last_time

    def _training(self, progress: TrainingProgress) -> None:
        event = {"type": "training", "model": progress.model, "epoch": progress.epoch}
        losses = {"train_loss": progress.train_loss, "validation_loss": progress.validation_loss}
        self.report({**event, "epochs": progress.epochs, **losses})

    def _register(self, dao: Dao, endpoint: str) -> None:
        """Register and bind once; on a later start do what is missing, and move the end point if need be."""
        identity, wallet, directory = self._keys.identity, self._keys.wallet, dao.directory
        attestation = attest(identity, [endpoint])
        found = directory.of_wallet(wallet.address)
        if not found:
            _until(lambda: dao.client.balance_wei(wallet.address) > 0)
            card = AgentCard(identity.address, (endpoint,), attestation, protocol_digest())
            agent_id = directory.register(wallet, card, self._binding(dao))
        else:
            agent_id, card = found[0].agent_id, found[0].card
            if card.uagent != identity.address:
                directory.bind(wallet, agent_id, self._binding(dao))
            if card.endpoints != (endpoint,):
                directory.update_endpoints(wallet, agent_id, endpoints=(endpoint,), attestation=attestation)
            if card.protocol_digest != protocol_digest():
                directory.update_protocol(wallet, agent_id, protocol_digest())
        self.report({"type": "registered", "agent_id": agent_id})

    def _binding(self, dao: Dao) -> TransportBinding:
        """Return what proves on chain that this agent holds both of its keys."""
        identity, wallet = self._keys.identity, self._keys.wallet
        return bind(identity, wallet, dao.directory.binding_digest(wallet.address, identity.address))

    def _wait_for_seat(self, dao: Dao) -> SeatTable:
        me = self._keys.wallet.address
        _until(lambda: any(seat.wallet == me for seat in dao.reader.seat_table().seats))
        return dao.reader.seat_table()

    def _assemble(
        self, dao: Dao, seats: SeatTable, strategy: Strategy, prices: PriceHistory, *, fitted_until: int
    ) -> RiskAgent:
        if self._transport is None:
            raise RuntimeError("the transport starts before the agent is assembled")
        config, wallet = self._config, self._keys.wallet
        seat = seat_of(seats.seats, wallet.address)
        mandate = self._network.to_mandate()
        calendar = network.calendar_of(self._network)
        models = ChainModels(dao.client, dao.deployment, signer=wallet, seats=seats)
        desk = Desk(
            strategy=strategy,
            mandate=mandate,
            mandate_hash=dao.reader.mandate_hash(),
            market=dao.deployment.market,
            seats=seats,
            reader=dao.reader,
            source=RevealedPrices(prices),
            evidence=BundleWriter(
                self._home, config.strategy, strategy.family, fitted_until, FIT_SEED, self._chat()
            ),
            models=models,
            model_id=self._publish(models, strategy, known_bars(prices, fitted_until)),
            assumptions=network.assumptions_of(self._network),
            sign_update=update_signer(dao, wallet),
            report=self.report,
        )
        order = keeper_order(0, dao.deployment.market, seats.table_hash, (s.agent_id for s in seats.seats))
        outbox = Outbox(dao.client, wallet, self._home / "outbox.sqlite")
        hands = ChainKeeper(dao.client, dao.deployment, outbox)
        keeper = Keeper(rank=order.index(seat.agent_id), sink=hands, desk=hands, report=self.report)
        sign = message_signer(dao, wallet, seat.agent_id)

        def context_of(epoch: int) -> EpochContext:
            return epoch_context(
                dao, epoch=epoch, seats=seats, me=seat.agent_id, mandate=mandate, calendar=calendar
            )

        caller = Caller(
            watch=Watch(desk),
            journal=self._journal,
            agent_id=seat.agent_id,
            rank=order.index(seat.agent_id),
            context_of=context_of,
            sign=sign,
            report=self.report,
        )
        parts: dict[str, Any] = {
            "seat": seat,
            "desk": desk,
            "keeper": keeper,
            "caller": caller,
            "journal": self._journal,
            "transport": self._transport,
            "context_of": context_of,
            "sign": sign,
            "report": self.report,
        }
        return self.make_agent(parts)

    def _publish(self, models: ChainModels, strategy: Strategy, fitted_on: PriceHistory) -> bytes:
        """Register the fitted model, once; say so when the strategy has nothing to register."""
        commitment = commitment_of(strategy, fitted_on)
        model_id = b"" if commitment is None else models.publish(commitment)
        self.report({"type": "model", "model_id": model_id.hex()})
        return model_id

    def make_agent(self, parts: dict[str, Any]) -> RiskAgent:
        """Return the agent; the adversary (tribunate/attack) replaces a part here."""
        return RiskAgent(**parts)

    def _chat(self) -> ChatSettings:
        return ChatSettings(self._config.chat_model, self._config.chat_base_url)

    async def close(self) -> None:
        """Stop everything; the journal is whole at any moment."""
        if self._scheduler is not None:
            self._scheduler.stop()
        if self._agent is not None:
            await self._agent.stop()
        if self._transport is not None:
            await self._transport.stop()
        self._journal.close()
        self._pipe.close()


class Peers:
    """The directory, known once this agent has its seat."""

    def __init__(self) -> None:
        self.known: SeatDirectory | None = None

    def endpoints(self, uagent: str) -> tuple[str, ...]:
        """Return a seated peer's end points."""
        return () if self.known is None else self.known.endpoints(uagent)


def update_signer(dao: Dao, wallet: LocalSigner) -> Callable[[ParameterUpdate], tuple[bytes, bytes]]:
    """Return a function from an update to (digest, signature)."""

    def sign(update: ParameterUpdate) -> tuple[bytes, bytes]:
        digest = dao.hasher.update_digest(update)
        return digest, wallet.sign(digest)

    return sign


def _until(condition: Callable[[], bool]) -> None:
    """Wait for the chain to say so, for as long as it takes."""
    Retrying(retry=retry_if_result(lambda met: not met), wait=wait_fixed(0.3))(condition)
