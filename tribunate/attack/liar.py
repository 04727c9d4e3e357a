"""One dishonest agent in a process of its own: the honest agent with one part replaced.

high       calls everything safe up to 93.00 %, and signs whatever comes
low        calls nothing above 20.00 % safe
withhold   reveals an honest bound and then refuses to sign
forge      changes one simulated result and rebuilds every hash around it
equivocate reveals different bounds to different peers
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from agents.agent import RiskAgent
from agents.desk import Desk
from core.evidence import canonical_json
from core.messages import Phase, SignedMessage
from core.negotiation import Assess, Assessed, Event, Judged
from core.recommendation import Observation, Recommendation
from core.update import ParameterUpdate
from tribunate.agent_process import AgentProcess, serve_agent
from tribunate.config import AgentConfig, parse, read_toml
from tribunate.evidence import BundleWriter
from tribunate.pipe import Pipe


class Lie(StrEnum):
    """What the agent lies about."""

    HIGH = "high"
    LOW = "low"
    WITHHOLD = "withhold"
    FORGE = "forge"
    EQUIVOCATE = "equivocate"


HIGH_BOUND = 93_00
LOW_BOUND = 20_00


@dataclass(frozen=True, slots=True)
class LyingDesk(Desk):
    """A desk whose answers are not what the strategy found."""

    lie: Lie = Lie.HIGH

    def judge(self, epoch: int, announce: SignedMessage, scalar: Any) -> Event:
        """Answer as the strategy did, but for the bound."""
        event = Desk.judge(self, epoch, announce, scalar)
        bound = {Lie.HIGH: HIGH_BOUND, Lie.EQUIVOCATE: HIGH_BOUND, Lie.LOW: LOW_BOUND}.get(self.lie)
        if isinstance(event, Judged) and bound is not None:
            return replace(event, reveal={**event.reveal, "bound": bound})
        return event

    def assess(
        self, judged: Judged, scalar: Any, effect: Assess, *, bound: int | None, seed: int
    ) -> Assessed:
        """Sign anything when lying high, nothing when withholding."""
        if self.lie is Lie.WITHHOLD:
            return Assessed(Phase.DISSENT, {"value": bound, "reason": "above_own_bound"})
        if self.lie in (Lie.HIGH, Lie.EQUIVOCATE):
            return _signed(self.sign_update, effect.update)
        return Desk.assess(self, judged, scalar, effect, bound=bound, seed=seed)


def _signed(sign: Callable[[ParameterUpdate], tuple[bytes, bytes]], update: ParameterUpdate) -> Assessed:
    digest, signature = sign(update)
    return Assessed(Phase.AGREE, {"update_digest": digest.hex(), "update_signature": signature.hex()})


@dataclass(frozen=True, slots=True)
class ForgingWriter:
    """Writes a bundle in which one outcome is changed before anything is hashed."""

    honest: BundleWriter

    def write(
        self, epoch: int, observation: Observation, recommendation: Recommendation
    ) -> Mapping[str, str]:
        """Return the roots of the forged bundle: consistent in itself, and false."""
        first, *rest = recommendation.outcomes
        forged = replace(first, liquidated_nano=first.liquidated_nano // 2 + 50_000_000)
        return self.honest.write(epoch, observation, replace(recommendation, outcomes=(forged, *rest)))


class TwoFacedTransport:
    """Sends every second peer another reveal, signed just as well."""

    def __init__(self, real: Any, sign: Callable[..., SignedMessage]) -> None:
        self._real = real
        self._sign = sign

    def send(self, destination: str, message: SignedMessage) -> None:
        """Send the message, or its twin with another bound."""
        own_reveal = message.phase is Phase.REVEAL and int.from_bytes(destination.encode()[-2:], "big") % 2
        if own_reveal:
            body = {**json.loads(message.payload), "bound": LOW_BOUND}
            message = self._sign(
                message.epoch, message.phase, message.round, message.attempt, canonical_json(body)
            )
        self._real.send(destination, message)


class LyingProcess(AgentProcess):
    """An agent process with one dishonest part."""

    def __init__(self, config: AgentConfig, home: Path, pipe: Pipe, *, lie: Lie) -> None:
        super().__init__(config, home, pipe)
        self._lie = lie

    def make_agent(self, parts: dict[str, Any]) -> RiskAgent:
        """Replace the part that lies."""
        honest: Desk = parts["desk"]
        fields = {name: getattr(honest, name) for name in Desk.__dataclass_fields__}
        if self._lie is Lie.FORGE:
            fields["evidence"] = ForgingWriter(fields["evidence"])
        parts = {**parts, "desk": LyingDesk(**fields, lie=self._lie)}
        if self._lie is Lie.EQUIVOCATE:
            parts["transport"] = TwoFacedTransport(parts["transport"], parts["sign"])
        return super().make_agent(parts)


def main(arguments: list[str] | None = None) -> None:
    """Run the liar until it is stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--lie", type=Lie, choices=list(Lie), required=True)
    parser.add_argument("--pipe", type=int)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, force=True, stream=sys.stderr)
    config = parse(AgentConfig, read_toml(options.config), source=options.config.name)
    home = Path(config.home)
    os.chdir(home)
    process = LyingProcess(config, home, Pipe(options.pipe), lie=options.lie)
    asyncio.run(serve_agent(process, watch_parent=options.pipe is not None))


if __name__ == "__main__":
    main()
