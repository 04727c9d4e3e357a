"""What people see while the demo runs: numbered steps, plain lines when piped, a bar for the window."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.status import Status
from rich.table import Table
from rich.text import Text

from core.units import NANO, Bps

PIPED_WIDTH = 110
"""Columns of the closing table where there is no terminal to ask."""


def utc(time: int) -> str:
    """Return chain time as people read it."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M UTC")


def short(value: str) -> str:
    """Return the ends of a long hexadecimal string."""
    return f"{value[:6]}…{value[-4:]}" if len(value) > 12 else value


def per_cent(nano: int | None, *, sign: str = "") -> str:
    """Return a share in parts per thousand million as a percentage."""
    return "n/a" if nano is None else f"{nano * 100 / NANO:{sign}.3f} %"


class Display:
    """Writes to standard output, or to standard error when that belongs to ``--json``."""

    def __init__(self, *, to_stderr: bool) -> None:
        out = sys.stderr if to_stderr else sys.stdout
        width = None if out.isatty() else PIPED_WIDTH
        self.console = Console(file=out, highlight=False, soft_wrap=True, width=width)
        self._status: Status | None = None

    def line(self, text: str = "") -> None:
        """Print one line."""
        self.console.print(text)

    def step(self, number: int, title: str, text: str) -> None:
        """Print a numbered step."""
        self.waiting(None)
        self.console.print(Text.assemble((f"{number:>2} ", "dim"), (f"{title:<11} ", "bold"), text))

    def detail(self, text: str, *, style: str = "") -> None:
        """Print a line under a step."""
        self.console.print(Text(" " * 15 + text, style=style))

    def waiting(self, text: str | None) -> None:
        """Show what is being waited for, on a terminal; ``None`` ends it."""
        if self._status is not None:
            self._status.stop()
            self._status = None
        if text is not None and self.console.is_terminal:
            self._status = self.console.status(text)
            self._status.start()

    def recommendation(self, name: str, event: dict[str, Any]) -> None:
        """Print one agent's recommendation."""
        bound = "abstains" if event["bound"] is None else str(Bps(event["bound"]))
        shortfall = per_cent(event["bad_debt_es_975_nano"])
        power = per_cent(event["borrowing_power_nano"], sign="+")
        limits = ", ".join(event["binding"]) or "its own limit"
        self.detail(
            f"{name:<16} safe up to {bound:>9}   shortfall {shortfall:>8}   power {power:>9}   {limits}"
        )

    def message(self, names: dict[int, str], event: dict[str, Any]) -> None:
        """Print one message of the negotiation."""
        sender = names.get(event["from"], str(event["from"]))
        to = "all" if len(event["to"]) > 1 else names.get(event["to"][0], str(event["to"][0]))
        text = f"{event['phase']:<11} {sender:<16} → {to:<16} {event['digest'][:12]}"
        self.detail(text, style="dim")

    def window(self, *, passed: int, length: int, against: int, threshold: int) -> None:
        """Print the veto window with its bar."""
        share = 100 * against / threshold if threshold else 0.0
        left = max(0, length - passed) / 3600
        self.console.print(" " * 15, end="")
        self.console.print(ProgressBar(total=length, completed=min(passed, length), width=24), end="")
        self.console.print(f"  {left:4.0f} h left   against {share:.2f} % of the veto threshold")

    def table(self, title: str, columns: list[str], rows: list[list[str]]) -> None:
        """Print a table."""
        self.waiting(None)
        table = Table(title=title, title_justify="left", show_edge=False)
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*row)
        self.console.print(table)
