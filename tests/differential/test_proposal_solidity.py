"""core/proposal.py and the governor tell the same life of a proposal, second by second at its edges."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from core.errors import GovernanceError
from core.proposal import (
    ProposalRecord,
    cancel,
    execute,
    queue,
    record_dissent,
    state_at,
    vote_against,
    withdraw,
)
from governance.rehearsal import DAY, ETHER, HOUR, Rehearsal

VOTABLE = 900_000 * ETHER  # a million less the treasury's hundred thousand


class Twins:
    """One proposal on chain and in core; every act happens in both, at the chain's time."""

    def __init__(self, dao: Rehearsal) -> None:
        self.dao = dao
        self.number = dao.propose()
        self.record = ProposalRecord(created=dao.client.timestamp(), votable_supply=VOTABLE, faulty=1)

    def at(self, time: int) -> None:
        """Mine a block at ``time`` (seconds after creation) and compare."""
        self.dao.client.request("evm_mine", self.record.created + time)
        self.compare()

    def compare(self) -> None:
        now = self.dao.client.timestamp()
        assert self.dao.proposals.state(self.number) is state_at(self.record, now)
        assert self.dao.proposals.show(self.number).window_end == self.record.deadline

    def act(self, on_chain: Callable[[], object], in_core: Callable[[int], ProposalRecord]) -> None:
        on_chain()
        self.record = in_core(self.dao.client.timestamp())
        self.compare()

    def both_refuse(self, on_chain: Callable[[], object], in_core: Callable[[int], ProposalRecord]) -> None:
        with pytest.raises(GovernanceError):
            on_chain()
        with pytest.raises(GovernanceError):
            in_core(self.dao.client.timestamp() + 1)

    def vote(self, who: str, weight: int) -> None:
        voter = getattr(self.dao.people, who)
        self.act(
            lambda: self.dao.proposals.veto(self.number, voter),
            lambda now: vote_against(self.record, weight, now),
        )

    def queue(self) -> None:
        person = self.dao.people.stranger
        self.act(lambda: self.dao.proposals.queue(self.number, person), lambda now: queue(self.record, now))


@pytest.fixture(scope="module")
def twin_dao() -> Iterator[Rehearsal]:
    dao = Rehearsal()
    yield dao
    dao.close()


@pytest.fixture
def twins(twin_dao: Rehearsal) -> Iterator[Twins]:
    with twin_dao.rewound():
        yield Twins(twin_dao)


def test_windows_timelock_and_grace_have_the_same_edges(twins: Twins) -> None:
    proposals, person = twins.dao.proposals, twins.dao.people.stranger
    for time in (1, 12 * HOUR, 12 * HOUR + 1, 72 * HOUR - 1):
        twins.at(time)
    twins.both_refuse(lambda: proposals.queue(twins.number, person), lambda now: queue(twins.record, now))
    for time in (72 * HOUR, 72 * HOUR + 1):
        twins.at(time)
    twins.queue()
    eta = twins.record.eta
    assert eta is not None
    twins.dao.client.request("evm_mine", eta - 2)
    twins.both_refuse(lambda: proposals.execute(twins.number, person), lambda now: execute(twins.record, now))
    twins.at(eta - twins.record.created + 7 * DAY - 1)
    with twins.dao.rewound():
        kept = twins.record
        twins.act(lambda: proposals.execute(twins.number, person), lambda now: execute(twins.record, now))
        twins.record = kept
    for time in (7 * DAY, 7 * DAY + 1):
        twins.at(eta - twins.record.created + time)
    twins.both_refuse(lambda: proposals.execute(twins.number, person), lambda now: execute(twins.record, now))


def test_votes_kill_both_at_the_threshold(twins: Twins) -> None:
    twins.at(12 * HOUR + 1)
    twins.vote("small", 1_800 * ETHER)
    twins.vote("large", 6_300 * ETHER)
    twins.at(80 * HOUR)


@pytest.mark.parametrize("late", [True, False])
def test_late_votes_extend_both(twins: Twins, *, late: bool) -> None:
    token = twins.dao.client.contract("GovernanceToken", twins.dao.deployment.addresses["governance_token"])
    people = twins.dao.people
    twins.dao.client.send(people.large, token.functions.transfer(people.stranger.address, 4_050 * ETHER))
    twins.at(60 * HOUR if late else 60 * HOUR - 1)  # the vote comes a second later
    twins.vote("large", 2_250 * ETHER)
    assert twins.record.late_extension is late
    twins.at(72 * HOUR + 1)
    if late:
        twins.at(96 * HOUR + 1)


def test_dissents_extend_both(twins: Twins) -> None:
    for agent in twins.dao.people.agents:
        twins.act(
            lambda agent=agent: twins.dao.proposals.dissent(twins.number, agent, reason="model"),
            lambda now: record_dissent(twins.record, now),
        )
    twins.at(96 * HOUR + 1)


def test_withdrawals_cancel_both(twins: Twins) -> None:
    for agent in twins.dao.people.agents[:2]:
        twins.act(
            lambda agent=agent: twins.dao.proposals.withdraw(twins.number, agent),
            lambda now: withdraw(twins.record, now),
        )


def test_the_guardian_cancels_both(twins: Twins) -> None:
    guardian = twins.dao.people.guardian
    twins.act(
        lambda: twins.dao.proposals.cancel(twins.number, guardian), lambda now: cancel(twins.record, now)
    )
    twins.both_refuse(
        lambda: twins.dao.proposals.cancel(twins.number, guardian), lambda now: cancel(twins.record, now)
    )


@pytest.mark.parametrize("seed", range(16))
def test_any_life_is_the_same_life(twins: Twins, seed: int) -> None:
    """Acts in any order, at any time: both allow the same ones, and agree on the state after each."""
    rng, people, proposals = random.Random(seed), twins.dao.people, twins.dao.proposals
    acts: list[tuple[Callable[[], object], Callable[[int], ProposalRecord]]] = [
        (lambda: proposals.queue(twins.number, people.stranger), lambda now: queue(twins.record, now)),
        (lambda: proposals.execute(twins.number, people.stranger), lambda now: execute(twins.record, now)),
        (lambda: proposals.cancel(twins.number, people.guardian), lambda now: cancel(twins.record, now)),
        (
            lambda: proposals.veto(twins.number, people.small),
            lambda now: vote_against(twins.record, 1_800 * ETHER, now),
        ),
    ]
    voted = False
    for _ in range(14):
        if rng.random() < 0.5:
            span = rng.choice([HOUR, 12 * HOUR, 30 * HOUR, 3 * DAY])
            twins.dao.client.advance(rng.randrange(1, span))
            twins.compare()
            continue
        place = rng.choices(range(4), weights=(6, 6, 1, 3))[0]
        if place == 3 and voted:
            continue
        on_chain, in_core = acts[place]
        if allowed(in_core, twins.dao.client.timestamp() + 1):
            twins.act(on_chain, in_core)
            voted = voted or place == 3
        else:
            twins.both_refuse(on_chain, in_core)


def allowed(in_core: Callable[[int], ProposalRecord], now: int) -> bool:
    try:
        in_core(now)
    except GovernanceError:
        return False
    return True
