"""Models in the register: published once, listed while they live, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agents.strategies.empirical import TailEmpirical
from agents.strategies.formula import ClosedForm
from agents.strategies.parametric import GarchStress
from core.market import PriceHistory
from core.ports import ModelCommitment, Strategy
from core.recommendation import Observation, Recommendation
from governance.rehearsal import Rehearsal
from governance.signing import LocalSigner, keccak
from tribunate.model_book import ChainModels, code_hash, commitment_of
from tribunate.testing import history

COMMITMENT = ModelCommitment(b"\x01" * 32, b"\x02" * 32, b"\x03" * 32)


@pytest.fixture(scope="module")
def dao() -> Iterator[Rehearsal]:
    rehearsal = Rehearsal()
    yield rehearsal
    rehearsal.close()


@pytest.fixture
def stage(dao: Rehearsal) -> Iterator[Rehearsal]:
    with dao.rewound():
        yield dao


def book(stage: Rehearsal, signer: LocalSigner) -> ChainModels:
    return ChainModels(stage.client, stage.deployment, signer=signer, seats=stage.reader.seat_table())


def agent_id(stage: Rehearsal, signer: LocalSigner) -> int:
    return next(s.agent_id for s in stage.reader.seat_table().seats if s.wallet == signer.address)


def test_a_published_model_is_listed_under_its_agent(stage: Rehearsal) -> None:
    agent = stage.people.agents[1]
    model = book(stage, agent).publish(COMMITMENT)
    assert len(model) == 32
    listed = book(stage, stage.people.agents[0]).live_models(stage.client.block_number())
    assert listed == {agent_id(stage, agent): (model,)}


def test_publishing_again_is_the_same_model_and_no_transaction(stage: Rehearsal) -> None:
    agent = stage.people.agents[0]
    first = book(stage, agent).publish(COMMITMENT)
    block = stage.client.block_number()
    assert book(stage, agent).publish(COMMITMENT) == first
    assert stage.client.block_number() == block


def test_the_same_content_of_another_agent_is_another_model(stage: Rehearsal) -> None:
    one, other = (book(stage, agent).publish(COMMITMENT) for agent in stage.people.agents[:2])
    assert one != other


def test_a_stranger_s_model_is_not_listed(stage: Rehearsal) -> None:
    book(stage, stage.people.stranger).publish(COMMITMENT)
    assert book(stage, stage.people.stranger).live_models(stage.client.block_number()) == {}


def test_a_model_is_not_listed_before_its_block(stage: Rehearsal) -> None:
    before = stage.client.block_number()
    book(stage, stage.people.agents[0]).publish(COMMITMENT)
    assert book(stage, stage.people.agents[0]).live_models(before) == {}


# --- what a strategy commits to ----------------------------------------------------------------------


@pytest.mark.parametrize("make", [GarchStress, ClosedForm, TailEmpirical])
def test_the_same_training_commits_to_the_same_model(make: type) -> None:
    found = []
    for seed in (1, 1, 2):
        strategy = make()
        strategy.fit(history(seed=seed), seed=1)
        found.append(commitment_of(strategy, history(seed=seed)))
    assert found[0] == found[1] != found[2]
    assert found[0] is not None and found[2] is not None
    assert found[0].code_hash == found[2].code_hash
    assert found[0].model_hash != found[2].model_hash


def test_an_unfitted_strategy_has_nothing_to_commit_to() -> None:
    assert commitment_of(GarchStress(), history()) is None


class Plain:
    """A third party's strategy that cannot say what it has learned."""

    name = "plain"
    family = "other"
    api_version = 1

    def fit(self, history: PriceHistory, *, seed: int, report: object = None) -> None: ...

    def recommend(self, observation: Observation) -> Recommendation:
        return Recommendation(observation.scalar, None, (), (), (), "abstains")


def test_a_strategy_that_cannot_say_what_it_learned_registers_nothing() -> None:
    strategy: Strategy = Plain()
    assert commitment_of(strategy, history()) is None


def test_code_hashes_tell_strategies_apart() -> None:
    assert len({code_hash(make()) for make in (GarchStress, ClosedForm, TailEmpirical, Plain)}) == 4
    assert keccak(b"") != code_hash(Plain())
