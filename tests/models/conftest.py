"""Where real prices are, for the tests that check known facts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The real data set: named by TRIBUNATE_DATA, or in ``shared/data`` beside the project."""
    named = os.environ.get("TRIBUNATE_DATA")
    path = Path(named) if named else BESIDE
    if not path.is_dir():
        pytest.skip("the real data set is not here (TRIBUNATE_DATA)")
    return path
