"""A finished run's rows, and its figures where it is a study of candidates, as CSV, Parquet or Arrow."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq

from core.errors import SimulationError
from simulations.runs import write_atomic
from simulations.studies.figures import figures_table, study_figures
from simulations.studies.lending import TASK as LENDING
from simulations.studies.lending import study_from
from simulations.studies.store import StoredRun


class ExportFormat(StrEnum):
    """What a table is written as; Arrow is the IPC file format (Feather V2)."""

    CSV = "csv"
    PARQUET = "parquet"
    ARROW = "arrow"


def export_run(run: StoredRun, path: Path, form: ExportFormat) -> list[Path]:
    """Write the rows to ``path``, and figures beside it as ``NAME-figures.EXT``; return what was written.

    Runs of other tasks have rows only.

    Raises:
        SimulationError: the run is not finished, or a file cannot be written.
    """
    rows = run.table()
    tables = {path: rows}
    if run.identity.task == LENDING:
        figures = figures_table(study_figures(study_from(run.identity.configuration), rows))
        tables[path.with_name(f"{path.stem}-figures{path.suffix}")] = figures
    write_tables(tables, form)
    return list(tables)


def write_tables(tables: Mapping[Path, pa.Table], form: ExportFormat) -> None:
    """Write each table whole, or not at all.

    Raises:
        SimulationError: a file cannot be written.
    """
    for target, table in tables.items():
        try:
            write_atomic(target, encoded(table, form))
        except OSError as problem:
            raise SimulationError(
                f"{target} could not be written: {problem.strerror}", hint="name a folder that exists"
            ) from problem


def encoded(table: pa.Table, form: ExportFormat) -> bytes:
    """Return a table's bytes in one of the formats."""
    buffer = BytesIO()
    match form:
        case ExportFormat.CSV:
            csv.write_csv(table, buffer)
        case ExportFormat.PARQUET:
            pq.write_table(table, buffer, compression="zstd")
        case ExportFormat.ARROW:
            with pa.ipc.new_file(buffer, table.schema) as writer:
                writer.write_table(table)
    return buffer.getvalue()
