"""Where votes come from: tokens that count time, tokens that count blocks, and an escrow."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from web3.contract.contract import Contract

from contracts.artifacts import load_any_artifact
from core.errors import GovernanceError
from governance.client import ChainClient
from governance.devchain.chain import Genesis
from governance.rehearsal import DAY, ETHER, GENESIS_TIME, HOUR, known_key
from tests.chains import open_chain

OWNER, HOLDER, TREASURY = (known_key(name) for name in ("votes owner", "votes holder", "votes treasury"))
SUPPLY = 1_000 * ETHER


@pytest.fixture(scope="module")
def client() -> Iterator[ChainClient]:
    balances = {bytes.fromhex(k.address[2:]): 10**3 * ETHER for k in (OWNER, HOLDER, TREASURY)}
    with open_chain(Genesis(GENESIS_TIME, balances)) as chain:
        yield ChainClient(chain.url, artifacts=load_any_artifact)


@pytest.fixture
def token(client: ChainClient) -> Contract:
    """1,000 votes that count blocks: 100 of a treasury, 30 of a holder, each delegated to itself."""
    made = client.contract("BlockVotesToken", client.deploy(OWNER, "BlockVotesToken", SUPPLY))
    for person, votes in ((TREASURY, 100), (HOLDER, 30)):
        client.send(OWNER, made.functions.transfer(person.address, votes * ETHER))
        client.send(person, made.functions.delegate(person.address))
    return made


@pytest.fixture(params=["CompPower", "AavePower"])
def power(request: pytest.FixtureRequest, client: ChainClient, token: Contract) -> Contract:
    """A block takes a second here."""
    address = client.deploy(OWNER, request.param, token.address, [TREASURY.address], 1_000)
    return client.contract(request.param, address)


def test_the_snapshots_block_follows_from_the_block_time(client: ChainClient, power: Contract) -> None:
    timepoint = client.timestamp() + 21
    client.send(OWNER, power.functions.fixSnapshot(timepoint))  # a second later, 20 s before it
    assert client.call(power.functions.blockOf(timepoint)) == client.block_number() + 20


def test_votes_are_counted_at_that_block(client: ChainClient, token: Contract, power: Contract) -> None:
    timepoint = client.timestamp() + 4
    client.send(OWNER, power.functions.fixSnapshot(timepoint))
    with pytest.raises(GovernanceError, match="SnapshotAhead"):
        client.call(power.functions.getPastVotes(HOLDER.address, timepoint))
    for _ in range(4):
        client.advance(1)
    client.send(HOLDER, token.functions.transfer(OWNER.address, 30 * ETHER))
    assert client.call(power.functions.getPastVotes(HOLDER.address, timepoint)) == 30 * ETHER
    assert client.call(power.functions.votableSupply(timepoint)) == 900 * ETHER
    assert client.call(power.functions.getVotes(HOLDER.address)) in (0, 30 * ETHER)


def test_a_snapshot_is_fixed_once_and_not_in_the_past(client: ChainClient, power: Contract) -> None:
    timepoint = client.timestamp() + 1_000
    client.send(OWNER, power.functions.fixSnapshot(timepoint))
    first = client.call(power.functions.blockOf(timepoint))
    client.advance(500)
    client.send(HOLDER, power.functions.fixSnapshot(timepoint))
    assert client.call(power.functions.blockOf(timepoint)) == first
    client.send(HOLDER, power.functions.fixSnapshot(client.timestamp() - 10))
    with pytest.raises(GovernanceError, match="SnapshotNotFixed"):
        client.call(power.functions.votableSupply(client.timestamp() - 11))


def test_nobody_fixes_a_snapshot_from_farther_away_than_the_governors_do(
    client: ChainClient, power: Contract
) -> None:
    farthest = client.timestamp() + 1 + 12 * HOUR
    client.send(HOLDER, power.functions.fixSnapshot(farthest))  # a second later, 12 h before it
    client.send(HOLDER, power.functions.fixSnapshot(farthest + 2))  # another second later, a second too far
    assert client.call(power.functions.blockOf(farthest)) != 0
    assert client.call(power.functions.blockOf(farthest + 2)) == 0


def test_the_second_before_this_one_is_the_block_before_this_one(
    client: ChainClient, token: Contract, power: Contract
) -> None:
    client.advance(100)
    before = client.timestamp() - 1
    assert client.call(power.functions.getPastVotes(HOLDER.address, before)) == 30 * ETHER
    client.send(HOLDER, token.functions.transfer(OWNER.address, 30 * ETHER))
    # what has just moved is still there in the block before; a block later it is gone
    assert client.call(power.functions.getPastVotes(HOLDER.address, client.timestamp() - 1)) == 30 * ETHER
    client.advance(1)
    assert client.call(power.functions.getPastVotes(HOLDER.address, client.timestamp() - 1)) == 0


def test_no_other_second_has_a_block_by_itself(client: ChainClient, power: Contract) -> None:
    client.advance(100)
    for timepoint in (client.timestamp() - 2, client.timestamp()):
        with pytest.raises(GovernanceError, match="SnapshotNotFixed"):
            client.call(power.functions.getPastVotes(HOLDER.address, timepoint))


def test_a_block_time_of_nothing_cannot_be_deployed(client: ChainClient, token: Contract) -> None:
    with pytest.raises(GovernanceError, match="BadBlockTime"):
        client.deploy(OWNER, "CompPower", token.address, [], 0)


def test_a_token_that_counts_blocks_is_not_one_that_counts_time(client: ChainClient, token: Contract) -> None:
    with pytest.raises(GovernanceError, match="NotTimestampClock"):
        client.deploy(OWNER, "VotesPower", token.address, [])


# --- escrow: a token without history


@pytest.fixture
def escrow(client: ChainClient, token: Contract) -> Contract:
    """The holder has deposited 20 of its 30."""
    address = client.deploy(OWNER, "VotesEscrow", token.address, [TREASURY.address])
    made = client.contract("VotesEscrow", address)
    client.send(HOLDER, token.functions.approve(address, 30 * ETHER))
    client.send(HOLDER, made.functions.deposit(20 * ETHER))
    return made


def test_a_deposit_votes_for_its_holder(client: ChainClient, escrow: Contract) -> None:
    then = client.timestamp()
    client.advance(1)
    assert client.call(escrow.functions.getPastVotes(HOLDER.address, then)) == 20 * ETHER
    assert client.call(escrow.functions.votableSupply(then)) == 900 * ETHER


def test_the_supply_is_the_tokens_whatever_is_deposited(client: ChainClient, escrow: Contract) -> None:
    assert client.call(escrow.functions.getPastTotalSupply(client.timestamp() - 1)) == SUPPLY


def test_a_deposit_stays_until_the_longest_window_has_ended(client: ChainClient, escrow: Contract) -> None:
    veto, holder_vote = 72 * HOUR + 2 * 24 * HOUR, 12 * HOUR + 5 * DAY
    window = max(veto, holder_vote)
    client.advance(window - 60)
    with pytest.raises(GovernanceError, match="Locked"):
        client.send(HOLDER, escrow.functions.withdraw(20 * ETHER))
    client.advance(60)
    client.send(HOLDER, escrow.functions.withdraw(20 * ETHER))
    assert client.call(escrow.functions.getVotes(HOLDER.address)) == 0


def test_a_second_deposit_locks_all_anew(client: ChainClient, escrow: Contract) -> None:
    client.advance(5 * DAY)
    client.send(HOLDER, escrow.functions.deposit(1 * ETHER))
    with pytest.raises(GovernanceError, match="Locked"):
        client.send(HOLDER, escrow.functions.withdraw(20 * ETHER))


def test_no_more_than_the_deposit_is_withdrawn(client: ChainClient, escrow: Contract) -> None:
    client.advance(6 * DAY)
    with pytest.raises(GovernanceError, match="NotEnoughDeposited"):
        client.send(HOLDER, escrow.functions.withdraw(20 * ETHER + 1))


def test_a_deposit_can_be_delegated(client: ChainClient, escrow: Contract) -> None:
    client.send(HOLDER, escrow.functions.delegate(OWNER.address))
    assert client.call(escrow.functions.getVotes(OWNER.address)) == 20 * ETHER
    assert client.call(escrow.functions.getVotes(HOLDER.address)) == 0


def test_treasuries_are_excluded(client: ChainClient, escrow: Contract) -> None:
    assert client.call(escrow.functions.isExcluded(TREASURY.address))
    assert not client.call(escrow.functions.isExcluded(HOLDER.address))
