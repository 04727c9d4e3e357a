"""Score roots: posted with a bond, doubted for seven days, confirmed by a quorum; pay is pulled."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode
from web3.contract.contract import Contract

from core.errors import GovernanceError
from core.evidence import merkle_proof, merkle_root
from governance.rehearsal import DAY, USD, Rehearsal
from governance.signing import ascending, keccak
from tests.contracts.settlement_money import BURNED, balance, money

BOND = 1_000 * USD
PAY = {1: 300 * USD, 2: 200 * USD, 3: 0, 4: 900 * USD}
NONE, POSTED, CHALLENGED, FINAL = range(4)


@pytest.fixture
def scores(open_dao: Rehearsal) -> Contract:
    """A board that may pay 1,000 a period; small posts, large doubts."""
    dao, people = open_dao, open_dao.people
    made = dao.client.contract("ScoreBoard", dao.deployment.addresses["scores"])
    token = money(dao)
    for person in (people.small, people.large):
        dao.client.send(people.deployer, token.functions.mint(person.address, BOND))
        dao.client.send(person, token.functions.approve(made.address, BOND))
    dao.client.send(people.deployer, token.functions.mint(made.address, 5_000 * USD))
    dao.client.send(people.deployer, made.functions.setAllotment(token.address, 1_000 * USD))
    return made


def leaves(dao: Rehearsal) -> dict[int, bytes]:
    token = money(dao).address
    rows = {n: encode(["uint256", "address", "uint256"], [n, token, amount]) for n, amount in PAY.items()}
    return {n: keccak(row) for n, row in rows.items()}


def root_of(dao: Rehearsal) -> bytes:
    return merkle_root(leaves(dao).values(), keccak)


def post(dao: Rehearsal, scores: Contract) -> None:
    dao.client.send(dao.people.small, scores.functions.post(7, root_of(dao), "ipfs://scores"))


def claim(dao: Rehearsal, scores: Contract, agent_id: int, *, amount: int | None = None) -> None:
    values = leaves(dao)
    proof = merkle_proof(list(values.values()), values[agent_id], keccak)
    paid = PAY[agent_id] if amount is None else amount
    function = scores.functions.claim(7, agent_id, money(dao).address, paid, proof)
    dao.client.send(dao.people.stranger, function)


def confirm(dao: Rehearsal, scores: Contract, *, root: bytes) -> None:
    table = dao.reader.seat_table().table_hash
    digest = bytes(dao.client.call(scores.functions.hashRoot(7, root, table)))
    pairs = [(agent.address, agent.sign(digest)) for agent in dao.people.agents[:3]]
    dao.client.send(dao.people.stranger, scores.functions.confirm(7, table, *ascending(pairs)))


def state(dao: Rehearsal, scores: Contract) -> int:
    return int(dao.client.call(scores.functions.stateOf(7)))


def test_an_undoubted_root_is_final_after_seven_days(open_dao: Rehearsal, scores: Contract) -> None:
    dao = open_dao
    post(dao, scores)
    dao.client.advance(7 * DAY - 60)
    with pytest.raises(GovernanceError, match="TooEarly"):
        dao.client.send(dao.people.stranger, scores.functions.conclude(7))
    dao.client.advance(61)
    dao.client.send(dao.people.stranger, scores.functions.conclude(7))
    assert state(dao, scores) == FINAL
    assert balance(dao, dao.people.small.address) == BOND


def test_pay_is_pulled_once_by_each(open_dao: Rehearsal, scores: Contract) -> None:
    dao = open_dao
    post(dao, scores)
    with pytest.raises(GovernanceError, match="NotFinal"):
        claim(dao, scores, 1)
    dao.client.advance(7 * DAY + 1)
    dao.client.send(dao.people.stranger, scores.functions.conclude(7))
    claim(dao, scores, 1)
    assert balance(dao, dao.people.agents[0].address) == 300 * USD
    with pytest.raises(GovernanceError, match="AlreadyClaimed"):
        claim(dao, scores, 1)
    with pytest.raises(GovernanceError, match="NotInRoot"):
        claim(dao, scores, 2, amount=201 * USD)
    claim(dao, scores, 2)
    with pytest.raises(GovernanceError, match=r"OverAllotment\(asked=900000000, left=500000000\)"):
        claim(dao, scores, 4)


def test_a_confirmed_root_costs_the_challenger_its_bond(open_dao: Rehearsal, scores: Contract) -> None:
    dao, people = open_dao, open_dao.people
    post(dao, scores)
    dao.client.send(people.large, scores.functions.challenge(7))
    assert state(dao, scores) == CHALLENGED
    with pytest.raises(GovernanceError, match="BadSignature"):
        confirm(dao, scores, root=keccak(b"another root"))
    confirm(dao, scores, root=root_of(dao))
    assert state(dao, scores) == FINAL
    assert balance(dao, people.small.address) == BOND + BOND // 2
    assert (balance(dao, people.large.address), balance(dao, BURNED)) == (0, BOND // 2)


def test_an_unconfirmed_root_is_void_and_costs_its_poster(open_dao: Rehearsal, scores: Contract) -> None:
    dao, people = open_dao, open_dao.people
    post(dao, scores)
    dao.client.send(people.large, scores.functions.challenge(7))
    dao.client.advance(7 * DAY + 1)
    with pytest.raises(GovernanceError, match="TooLate"):
        confirm(dao, scores, root=root_of(dao))
    dao.client.send(people.stranger, scores.functions.conclude(7))
    assert state(dao, scores) == NONE
    assert balance(dao, people.large.address) == BOND + BOND // 2
    assert (balance(dao, people.small.address), balance(dao, BURNED)) == (0, BOND // 2)


def test_doubts_come_within_seven_days_and_once(open_dao: Rehearsal, scores: Contract) -> None:
    dao, people = open_dao, open_dao.people
    with pytest.raises(GovernanceError, match="NotOpen"):
        dao.client.send(people.large, scores.functions.challenge(7))
    post(dao, scores)
    with dao.rewound():
        dao.client.advance(7 * DAY + 1)
        with pytest.raises(GovernanceError, match="TooLate"):
            dao.client.send(people.large, scores.functions.challenge(7))
    dao.client.send(people.large, scores.functions.challenge(7))
    with pytest.raises(GovernanceError, match="NotOpen"):
        dao.client.send(people.small, scores.functions.challenge(7))


def test_a_period_has_one_root(open_dao: Rehearsal, scores: Contract) -> None:
    post(open_dao, scores)
    with pytest.raises(GovernanceError, match="AlreadyPosted"):
        post(open_dao, scores)
    with pytest.raises(GovernanceError, match="EmptyRoot"):
        open_dao.client.send(open_dao.people.small, scores.functions.post(8, bytes(32), ""))


def test_only_the_owner_allots(open_dao: Rehearsal, scores: Contract) -> None:
    with pytest.raises(GovernanceError, match="OwnableUnauthorizedAccount"):
        function = scores.functions.setAllotment(money(open_dao).address, 1)
        open_dao.client.send(open_dao.people.stranger, function)
