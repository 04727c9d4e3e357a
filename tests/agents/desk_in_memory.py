"""One agent's desk over the DAO in memory, and an announce for it to judge."""

from __future__ import annotations

from typing import Any

from fake_dao import DAO, SIGNERS, THRESHOLD, FakeReader, FakeStrategy, make_desk

from agents.desk import Desk
from core.evidence import canonical_json
from core.messages import Phase, SignedMessage
from core.negotiation import Judged
from tribunate.dao import message_signer

FRESH_SEED = 99


def desk(agent: int = 1, *, safe: int | None = 76_10, fresh: int | None = 76_10) -> Desk:
    """Return a desk whose strategy says ``safe``, and ``fresh`` over the paths of ``FRESH_SEED``."""
    strategy = FakeStrategy(lambda seed: fresh if seed == FRESH_SEED else safe)
    return make_desk(agent, FakeReader(), strategy)


def announced(body: dict[str, Any]) -> SignedMessage:
    return message_signer(DAO, SIGNERS[2], 2)(1, Phase.ANNOUNCE, 0, 0, canonical_json(body))


def judged(own: Desk) -> Judged:
    answer = own.judge(1, announced(own.announce_body(THRESHOLD)), THRESHOLD)
    assert isinstance(answer, Judged)
    return answer
