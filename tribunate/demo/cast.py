"""Who plays: four operators, four strategies of four families, two data sources."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tribunate.run_folder import RunFolder


@dataclass(frozen=True, slots=True)
class Role:
    """One agent of the demo."""

    name: str
    operator: str
    family: str
    source: str


CAST = (
    Role("garch-stress", "operator-a", "parametric", "exchange"),
    Role("deep-quantile", "operator-b", "neural", "oracle"),
    Role("closed-form", "operator-c", "formula", "oracle"),
    Role("tail-empirical", "operator-d", "empirical", "exchange"),
)


POLL_SECONDS = 0.4


def write_agent_file(folder: RunFolder, role: Role, *, rpc_url: str, prices: Path, chat_model: str) -> Path:
    """Write one agent's TOML; return its path."""
    home = folder.agent(role.name).resolve()
    home.mkdir(parents=True, exist_ok=True)
    values = {
        "name": role.name,
        "strategy": role.name,
        "operator": role.operator,
        "data_source": role.source,
        "rpc_url": rpc_url,
        "deployment": str(folder.deployment.resolve()),
        "network": str(folder.network.resolve()),
        "prices": str(prices.resolve()),
        "home": str(home),
        "poll_seconds": POLL_SECONDS,
        "chat_model": chat_model,
    }
    path = home / "agent.toml"
    # JSON strings and numbers are TOML as they stand
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
