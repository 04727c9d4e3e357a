"""The token of bonds and pay, for the tests of settlement."""

from __future__ import annotations

from web3.contract.contract import Contract

from governance.rehearsal import Rehearsal

BURNED = "0x000000000000000000000000000000000000dEaD"


def money(dao: Rehearsal) -> Contract:
    """Return the demo market's debt token, in which bonds are put up and pay is pulled."""
    return dao.client.contract("DemoToken", dao.deployment.addresses["debt_token"])


def balance(dao: Rehearsal, address: str) -> int:
    """Return what somebody has of it."""
    return int(dao.client.call(money(dao).functions.balanceOf(address)))
