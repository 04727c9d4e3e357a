"""Two announces of one epoch: agents that have not committed turn to the earliest keeper's.

A is the first keeper, B the second, C and D the others; turns are 150 s long.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from network_in_memory import Network, Player, signed

from core.messages import Phase, SignedMessage
from core.negotiation import (
    Effect,
    EpochContext,
    Judge,
    Judged,
    PrepareAnnounce,
    Received,
    Refused,
    Speak,
    Stage,
    State,
    Tick,
    advance,
)

BOUNDS = {1: 77_85, 2: 78_40, 3: 76_10, 4: 75_90}


class Crossing(Network):
    """A network in which judging takes until the test says so."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.held: list[tuple[int, object]] = []
        self.holds = True

    def _perform(self, who: int, effect: object) -> list[tuple[int, object]]:
        answers = super()._perform(who, effect)
        if isinstance(effect, Judge) and self.holds:
            self.held += answers
            return []
        return answers

    def release(self) -> None:
        """Let everybody come to its judgement."""
        self.holds = False
        for who, judged in self.held:
            self.feed(who, judged)


def crossing() -> Crossing:
    return Crossing({agent: Player(bound) for agent, bound in BOUNDS.items()})


def committed_to(net: Network) -> dict[int, str]:
    return {m.agent_id: m.body()["announce"] for m in net.log if m.phase is Phase.COMMIT}


def test_an_announce_at_the_end_of_its_turn_is_followed_by_all() -> None:
    net = crossing()
    a, b, c, d = net.keepers
    (first,) = net.speak(a, Speak(Phase.ANNOUNCE, 0, 0, net.announce()))
    net.feed(a, Received(first))
    for agent in (b, c, d):
        net.feed(agent, Tick(150))  # B's turn: it announces, and C and D begin to judge that
    for agent in (b, c, d):
        net.feed(agent, Received(first))
    net.release()
    assert committed_to(net) == dict.fromkeys(net.players, first.digest.hex())
    net.now = 150
    net.run()
    assert {finish.outcome for finish in net.outcomes.values()} == {"proposed"}


# ---- one agent


Feed = Callable[[object], list[Effect]]


class One:
    """Agent D alone, in B's turn; it has heard B and is judging what B announced."""

    def __init__(self) -> None:
        net = Network({agent: Player(bound) for agent, bound in BOUNDS.items()})
        self.net = net
        self.a, self.b, self.c, self.d = net.keepers
        self.context: EpochContext = net.contexts[self.d]
        self.state = State()
        self.announces = {who: self._announce(who) for who in (self.a, self.b)}
        self.feed(Tick(150))
        assert self.judging(self.feed(Received(self.announces[self.b]))) == [self.b]

    def _announce(self, who: int) -> SignedMessage:
        return signed(1, who, Phase.ANNOUNCE, {**self.net.announce(), "block": who})

    def feed(self, event: object) -> list[Effect]:
        self.state, effects = advance(self.state, event, self.context)
        return effects

    def hear_commit(self, who: int, announce: int) -> None:
        body = {"announce": self.announces[announce].digest.hex(), "commitment": "00"}
        self.feed(Received(signed(1, who, Phase.COMMIT, body)))

    def judged(self) -> list[Effect]:
        net = self.net
        return self.feed(Judged(net.snapshot(), net.lowest, net.highest, net.reveal(self.d)))

    def judging(self, effects: list[Effect]) -> list[int]:
        return [effect.announce.agent_id for effect in effects if isinstance(effect, Judge)]

    def committed(self, effects: list[Effect]) -> list[str]:
        return [e.body["announce"] for e in effects if isinstance(e, Speak) and e.phase is Phase.COMMIT]


@pytest.fixture
def one() -> One:
    return One()


def test_one_judgement_is_finished_before_the_next_begins(one: One) -> None:
    assert one.feed(Received(one.announces[one.a])) == []
    assert one.judging(one.judged()) == [one.a]
    assert one.committed(one.judged()) == [one.announces[one.a].digest.hex()]


def test_with_one_commit_elsewhere_the_earliest_can_still_win(one: One) -> None:
    one.hear_commit(one.b, one.b)
    one.feed(Received(one.announces[one.a]))
    assert one.judging(one.judged()) == [one.a]


def test_with_two_commits_elsewhere_the_earliest_has_lost(one: One) -> None:
    one.hear_commit(one.b, one.b)
    one.hear_commit(one.c, one.b)
    one.feed(Received(one.announces[one.a]))
    assert one.committed(one.judged()) == [one.announces[one.b].digest.hex()]


def test_an_agent_turns_back_when_the_earliest_has_lost_meanwhile(one: One) -> None:
    one.feed(Received(one.announces[one.a]))
    assert one.judging(one.judged()) == [one.a]
    one.hear_commit(one.b, one.b)
    one.hear_commit(one.c, one.b)
    assert one.judging(one.judged()) == [one.b]
    assert one.committed(one.judged()) == [one.announces[one.b].digest.hex()]


def test_who_has_committed_turns_no_more(one: One) -> None:
    own = one.committed(one.judged())
    assert own == [one.announces[one.b].digest.hex()]
    assert one.feed(Received(one.announces[one.a])) == []
    assert (one.state.stage, one.state.announce) == (Stage.COMMITTING, one.announces[one.b])


def test_a_later_keepers_announce_changes_nothing(one: One) -> None:
    one.feed(Tick(300))
    late = signed(1, one.c, Phase.ANNOUNCE, one.net.announce())
    one.feed(Received(late))
    assert one.committed(one.judged()) == [one.announces[one.b].digest.hex()]


def test_a_refused_announce_is_not_turned_to(one: One) -> None:
    one.feed(Received(one.announces[one.a]))
    assert one.judging(one.judged()) == [one.a]
    assert one.judging(one.feed(Refused(one.a, "contradicts the chain"))) == [one.b]
    assert one.committed(one.judged()) == [one.announces[one.b].digest.hex()]


def test_after_the_end_of_the_commits_nobody_turns(one: One) -> None:
    one.feed(Tick(one.context.deadlines.commit))
    one.feed(Received(one.announces[one.a]))
    assert one.committed(one.judged()) == [one.announces[one.b].digest.hex()]


def test_a_keeper_whose_announce_was_overtaken_by_a_bad_one_may_still_speak() -> None:
    """B was about to announce, left it to A, and A's contradicts the chain."""
    net = Network({agent: Player(bound) for agent, bound in BOUNDS.items()})
    a, b, *_ = net.keepers
    context, state = net.contexts[b], State()
    state, effects = advance(state, Tick(150), context)
    assert [type(effect) for effect in effects] == [PrepareAnnounce]
    bad = signed(1, a, Phase.ANNOUNCE, net.announce())
    state, effects = advance(state, Received(bad), context)
    assert [type(effect) for effect in effects] == [Judge]
    _, effects = advance(state, Refused(a, "contradicts the chain"), context)
    assert [type(effect) for effect in effects] == [PrepareAnnounce]
