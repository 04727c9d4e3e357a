"""What the agents say, as it is kept: on the screen, in the event files, and by epoch."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import IO, Any

from tribunate.demo.display import Display, short, utc


@dataclass(slots=True)
class EpochLog:
    """What the agents said of one epoch."""

    joined: set[int] = field(default_factory=set)
    finished: dict[str, dict[str, Any]] = field(default_factory=dict)
    agreed: dict[int, set[int]] = field(default_factory=dict)
    dissented: dict[int, set[int]] = field(default_factory=dict)
    transactions: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Recorder:
    """Every event passes here; ``called`` are the extraordinary epochs, in the order of their calls."""

    display: Display
    files: list[IO[str]]
    domain: dict[str, Any] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    epochs: dict[int, EpochLog] = field(default_factory=dict)
    called: dict[int, str] = field(default_factory=dict)
    working: dict[str, int] = field(default_factory=dict)

    def log(self, epoch: int) -> EpochLog:
        """Return the log of one epoch."""
        return self.epochs.setdefault(epoch, EpochLog())

    def take(self, name: str, event: dict[str, Any]) -> None:
        """Take one event."""
        match event["type"]:
            case "training" if event["epochs"] > 1 and _worth_showing(event):
                losses = f"train {event['train_loss']:.4f}  validation {event['validation_loss']:.4f}"
                self.display.detail(
                    f"{name:<16} epoch {event['epoch']:>3}/{event['epochs']}  {losses}", style="dim"
                )
            case "trained":
                self.display.detail(f"{name:<16} trained on {event['bars']:,} bars to {utc(event['until'])}")
            case "model" if event["model_id"]:
                self.display.detail(f"{name:<16} registered model {short('0x' + event['model_id'])}")
            case "recommendation":
                self.display.recommendation(name, event)
            case "message":
                self._message(event)
            case "call":
                self.called.setdefault(event["epoch"], name)
            case "working" | "worked":
                step = 1 if event["type"] == "working" else -1
                self.working[name] = self.working.get(name, 0) + step
            case "gone":
                self.working[name] = 0
            case "finish":
                self.log(event["epoch"]).finished[name] = event
            case "submitted":
                self.log(event["epoch"]).transactions.append(event["transaction"])
            case "refused" | "error" | "reject" | "peer_refused":
                self.display.detail(
                    f"{name:<16} {event.get('found', event.get('reason', ''))}", style="yellow"
                )

    def _message(self, event: dict[str, Any]) -> None:
        self.display.message(self.names, event)
        line = {key: value for key, value in event.items() if key not in ("type", "by", "agent_id")}
        for file in self.files:
            file.write(json.dumps({**line, **self.domain}, sort_keys=True) + "\n")
            file.flush()
        log = self.log(event["epoch"])
        log.joined.add(event["by"])
        if event["phase"] == "agree":
            log.agreed.setdefault(event["attempt"], set()).add(event["from"])
        if event["phase"] == "dissent":
            log.dissented.setdefault(event["attempt"], set()).add(event["from"])


def _worth_showing(event: dict[str, Any]) -> bool:
    """Whether an epoch of training is shown: the first, every tenth, the last."""
    return event["epoch"] in (1, event["epochs"]) or event["epoch"] % 10 == 0
