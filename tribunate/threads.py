"""Sums of floats depend on how many threads share them: one, so that a re-run gives the same bits."""

from __future__ import annotations

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Environment of every process of ours; must stand before numpy is loaded."""
