"""Where everything is: the record that a deployment leaves, ``deployment.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eth_utils.address import is_checksum_address

from core.errors import ConfigError

ALLOWED = "the JSON that a deployment wrote"
CONTRACTS = (
    "governor",
    "holder_governor",
    "fast_lane",
    "gate",
    "timelock",
    "veto_power",
    "registry",
    "seats",
    "models",
    "limits",
    "sample",
    "adapter",
    "bonds",
    "scores",
    "market",
    "oracle",
    "governance_token",
    "collateral_token",
    "debt_token",
)


@dataclass(frozen=True, slots=True)
class Deployment:
    """Addresses by name (all of ``CONTRACTS``), and a block before the first of them that is ours."""

    chain_id: int
    market_name: str
    block: int
    addresses: Mapping[str, str]

    @property
    def market(self) -> str:
        """What an update calls its market: the collateral asset's address."""
        return self.addresses["collateral_token"]

    @property
    def verifying_contract(self) -> str:
        """The update gate: what signatures of updates and messages are made for (EIP-712)."""
        return self.addresses["gate"]


def save_deployment(deployment: Deployment, path: Path) -> None:
    """Write the record, all or nothing."""
    content = {**asdict(deployment), "addresses": dict(deployment.addresses)}
    partial = path.with_suffix(path.suffix + ".partial")
    partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    partial.replace(path)


def load_deployment(path: Path) -> Deployment:
    """Return the record.

    Raises:
        ConfigError: the file is missing, is not JSON, or lacks something.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"{path} is missing", hint="deploy first, or pass --deployment FILE") from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}", allowed=ALLOWED) from error
    return _checked(content, path)


def _checked(content: Any, path: Path) -> Deployment:
    if not isinstance(content, dict):
        raise ConfigError(f"{path} holds no object", allowed=ALLOWED)
    for key, kind in (("chain_id", int), ("market_name", str), ("block", int), ("addresses", dict)):
        if not isinstance(content.get(key), kind) or isinstance(content[key], bool):
            raise ConfigError(f"{path}, {key} was {content.get(key)!r}", allowed=f"a JSON {kind.__name__}")
    for name in CONTRACTS:
        address = content["addresses"].get(name)
        if not isinstance(address, str) or not is_checksum_address(address):
            raise ConfigError(f"{path}, address of {name} was {address!r}", allowed="a checksummed address")
    return Deployment(content["chain_id"], content["market_name"], content["block"], content["addresses"])
