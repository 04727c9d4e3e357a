"""Files of ``deploy/`` before Compound III and Venus, for the tests of what is deployed from them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.protocols.comet import CometMarket
from tests.protocols.file_orders import FileOrder, file_order
from tests.protocols.governed_comet import add_wbtc
from tests.protocols.venus import VenusMarket, grant


@dataclass(frozen=True, slots=True)
class Stage:
    """A file and the protocol before which it is put; ``contracts`` by the names that tests use for them."""

    file: FileOrder
    protocol: CometMarket | VenusMarket
    contracts: dict[str, str]

    def let_in(self, adapter: str) -> None:
        """Let the protocol's own governance obey the adapter."""
        if isinstance(self.protocol, VenusMarket):
            grant(self.protocol, adapter)
            return
        for contract in (self.protocol.configurator, self.protocol.proxy_admin):
            self.protocol.client.send(self.protocol.people.admin, contract.functions.setMarketAdmin(adapter))


def compound(market: CometMarket, token: str, folder: Path) -> Stage:
    """Put ``deploy/compound.toml`` before the double of Compound III, with a second collateral."""
    real = {
        "0xc3d688B66703497DAA19211EEdff47f25384cdc3": market.comet.address,
        "0x316f9708bB98af7dA9c68C1C3b5e79039cD336E3": market.configurator.address,
        "0x1EC63B5883C3481134FD50D5DAebc83Ecd2E8779": market.proxy_admin.address,
        "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2": market.weth.address,
        "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48": market.usdc.address,
        "0x2260FAC5E5542a773Aa44fBCfeDf7C193bc2C599": add_wbtc(market),
        "0xc00e94Cb662C3520282E6f5717214004A7f26888": token,
    }
    file = file_order("compound.toml", folder, market.client, real)
    return Stage(file, market, {"feed": market.weth_feed.address, "token": token, **named(real)})


def venus(market: VenusMarket, token: str, folder: Path) -> Stage:
    """Put ``deploy/venus.toml`` before the real Venus."""
    real = {
        "0x4444444444444444444444444444444444444444": market.comptroller.address,
        "0x5555555555555555555555555555555555555555": market.vweth.address,
        "0x6666666666666666666666666666666666666666": market.vusdc.address,
        "0x7777777777777777777777777777777777777777": market.usdc.address,
        "0x2222222222222222222222222222222222222222": token,
    }
    file = file_order("venus.toml", folder, market.client, real)
    inside = {"weth": market.weth.address, "oracle": market.oracle.address}
    return Stage(file, market, {"token": token, **inside, **named(real)})


def named(real: dict[str, str]) -> dict[str, str]:
    """Return this chain's addresses by the first digits of the file's."""
    return {old[:6]: new for old, new in real.items()}


def put(stage: Stage, text: str) -> str:
    """Return ``text`` with this chain's addresses in the place of ``{name}``."""
    for name, address in stage.contracts.items():
        text = text.replace("{" + name + "}", address)
    return text


def of_kind(fresh: FileOrder, lines: str) -> FileOrder:
    """Change the kind of the file's token in place; return the file."""
    text = re.sub(r"(?m)^block_milliseconds = .*\n", "", fresh.file.read_text())
    fresh.file.write_text(re.sub(r"(?m)^kind = .*$", lines, text))
    return fresh
