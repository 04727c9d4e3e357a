"""A peer's message, examined as an agent examines it: form, canonical payload, digest, signer."""

from __future__ import annotations

from pathlib import Path

from core.errors import ConfigError, NegotiationError
from core.messages import SignedMessage, message_from_dict, require_bound
from tribunate.run_folder import read_json


def examine(path: Path, *, chain_id: int | None, governor: str | None) -> str:
    """Return one line on a message that an agent would take.

    Raises:
        ConfigError: the file is unreadable, or only half of the domain was given.
        NegotiationError: an agent would refuse the message.
    """
    value = read_json(path)
    message = message_from_dict({**value, "agent_id": value.get("agent_id", value.get("from"))})
    body = message.body()
    require_bound(body)
    head = f"{message.phase} of agent {message.agent_id} in epoch {message.epoch}"
    chain_id = chain_id if chain_id is not None else value.get("chain_id")
    governor = governor or value.get("governor")
    if chain_id is None and governor is None:
        return f"{head}: well formed; its signature was not checked (no --chain-id and --governor)"
    if type(chain_id) is not int or not isinstance(governor, str):
        raise ConfigError("only half of the domain is known", hint="pass --chain-id and --governor")
    return f"{head}: signed by {_signer(message, chain_id, governor)}"


def _signer(message: SignedMessage, chain_id: int, governor: str) -> str:
    from eth_utils.address import is_address

    from governance.signing import EcdsaVerifier, Eip712Hasher
    from tribunate.dao import signer_of_message

    if not is_address(governor):
        raise ConfigError(f"--governor was {governor!r}", allowed="0x and 40 hexadecimal digits")
    signer = signer_of_message(Eip712Hasher(chain_id, governor), EcdsaVerifier(), message)
    if signer is None:
        raise NegotiationError(
            "the digest or the signature is not that of the message",
            allowed="an EIP-712 signature over exactly this content",
            hint="check --chain-id and --governor",
        )
    return signer
