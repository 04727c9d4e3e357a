"""One deployed DAO for the whole session; every test that changes it is undone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from governance.rehearsal import Rehearsal


@pytest.fixture(scope="session")
def deployed_dao() -> Iterator[Rehearsal]:
    rehearsal = Rehearsal()
    yield rehearsal
    rehearsal.close()


@pytest.fixture
def dao(deployed_dao: Rehearsal) -> Iterator[Rehearsal]:
    with deployed_dao.rewound():
        yield deployed_dao
