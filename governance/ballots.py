"""Votes against a proposal: why a holder casts one, and what was cast.

A vote carries one byte of OpenZeppelin's ``params``, or none; it stands in ``VoteCastWithParams``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eth_abi.abi import decode
from eth_utils.address import to_checksum_address
from web3.contract.contract import Contract

from core.proposal import VetoReason
from governance.client import ChainClient

AGAINST = 0


@dataclass(frozen=True, slots=True)
class VetoVote:
    """One vote against; ``weight`` in base units of the token, ``text`` as the holder wrote it, unchecked."""

    holder: str
    weight: int
    reason: VetoReason
    text: str


@dataclass(frozen=True, slots=True)
class ReasonTally:
    """What the votes against for one reason come to; ``weight`` in base units of the token."""

    reason: VetoReason
    votes: int
    weight: int


def tally_of(votes: Sequence[VetoVote]) -> tuple[ReasonTally, ...]:
    """Return one row per reason that was given, the heaviest first."""
    rows = []
    for reason in VetoReason:
        weights = [vote.weight for vote in votes if vote.reason is reason]
        if weights:
            rows.append(ReasonTally(reason, len(weights), sum(weights)))
    return tuple(sorted(rows, key=lambda row: -row.weight))


def read_vetoes(
    client: ChainClient, governor: Contract, proposal: int, *, first_block: int
) -> tuple[VetoVote, ...]:
    """Return every vote against ``proposal`` (OpenZeppelin's id), oldest first.

    Texts are read as bytes: a holder may publish what is no UTF-8, and nobody shall hide a proposal with it.
    """
    plain, extended = governor.events.VoteCast(), governor.events.VoteCastWithParams()
    query = {
        "fromBlock": hex(first_block),
        "toBlock": "latest",
        "address": governor.address,
        "topics": [[plain.topic, extended.topic]],
    }
    found = []
    for log in client.request("eth_getLogs", query):
        data = bytes.fromhex(log["data"][2:])
        kinds = ["uint256", "uint8", "uint256", "bytes", "bytes"]
        coded = log["topics"][0] == extended.topic
        number, support, weight, text, params = (
            decode(kinds, data) if coded else (*decode(kinds[:4], data), b"")
        )
        if (number, support) == (proposal, AGAINST):
            voter = to_checksum_address("0x" + log["topics"][1][-40:])
            found.append(VetoVote(voter, weight, _reason(params), text.decode(errors="replace")))
    return tuple(found)


def _reason(params: bytes) -> VetoReason:
    return list(VetoReason)[params[0]] if params else VetoReason.UNSPECIFIED
