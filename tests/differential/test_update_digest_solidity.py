"""The digest that agents sign is the digest that the governor checks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.market import Parameters
from core.units import Bps
from core.update import FreshnessSnapshot, ParameterUpdate
from governance.rehearsal import Rehearsal
from governance.signing import update_tuple

WORD = st.integers(0, 2**256 - 1)
BYTES32 = st.binary(min_size=32, max_size=32)
UINT64 = st.integers(0, 2**64 - 1)
PARAMETERS = st.builds(Parameters, WORD.map(Bps), WORD.map(Bps), WORD.map(Bps), WORD, WORD)
UPDATES = st.builds(
    ParameterUpdate,
    epoch=UINT64,
    market=st.just("0x" + "ab" * 20),
    attempt=st.integers(0, 2**32 - 1),
    seat_table_hash=BYTES32,
    expected=PARAMETERS,
    proposed=PARAMETERS,
    snapshot=st.builds(FreshnessSnapshot, WORD, WORD, WORD, WORD, UINT64),
    positions_root=BYTES32,
    low_bound=WORD,
    high_bound=WORD,
    evidence_root=BYTES32,
    transcript_root=BYTES32,
    valid_until=UINT64,
    models=st.lists(BYTES32, max_size=3).map(tuple),
)


@pytest.fixture(scope="module")
def digest_dao() -> Iterator[Rehearsal]:
    dao = Rehearsal()
    yield dao
    dao.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(update=UPDATES)
def test_digests_agree(digest_dao: Rehearsal, update: ParameterUpdate) -> None:
    contract = digest_dao.client.contract("UpdateGate", digest_dao.deployment.addresses["gate"])
    found = digest_dao.client.call(contract.functions.hashUpdate(update_tuple(update)))
    assert bytes(found) == digest_dao.hasher.update_digest(update)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(updates=st.lists(UPDATES, min_size=1, max_size=3))
def test_batch_digests_agree(digest_dao: Rehearsal, updates: list[ParameterUpdate]) -> None:
    contract = digest_dao.client.contract("UpdateGate", digest_dao.deployment.addresses["gate"])
    found = digest_dao.client.call(contract.functions.hashUpdates([update_tuple(u) for u in updates]))
    assert bytes(found) == digest_dao.hasher.batch_digest(updates)
