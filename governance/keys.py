"""Keys on disk: keystore version 3, with its passphrase in a file that only its owner may read."""

from __future__ import annotations

import json
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from eth_account import Account

from core.errors import ConfigError
from governance.signing import LocalSigner


@dataclass(frozen=True, slots=True)
class KeyDerivation:
    """How slow guessing the passphrase is: scrypt's n, or PBKDF2's rounds."""

    function: Literal["scrypt", "pbkdf2"]
    work: int


STRONG = KeyDerivation("scrypt", 2**18)
"""Geth's standard: for keys that guard value (about a second)."""

FAST = KeyDerivation("pbkdf2", 1_000)
"""For keys whose passphrase is 256 random bits, which nobody guesses (a few milliseconds)."""


def make_keystore(folder: Path, name: str, *, derivation: KeyDerivation = FAST) -> LocalSigner:
    """Make a new key with a random passphrase; write ``name.json`` and ``name.passphrase`` (both 0600).

    Raises:
        ConfigError: a key of that name is there already.
    """
    keystore, passphrase_file = _paths(folder, name)
    if keystore.exists():
        raise ConfigError(f"{keystore} exists already", hint="load it, or choose another name")
    folder.mkdir(parents=True, exist_ok=True)
    private_key, passphrase = secrets.token_bytes(32), secrets.token_hex(32)
    content = Account.encrypt(private_key, passphrase, kdf=derivation.function, iterations=derivation.work)
    _write_private(passphrase_file, passphrase)
    _write_private(keystore, json.dumps(content))
    return LocalSigner(private_key)


def load_keystore(folder: Path, name: str) -> LocalSigner:
    """Return the key ``name``.

    Raises:
        ConfigError: a file is missing, readable by others, or does not fit the other.
    """
    keystore, passphrase_file = _paths(folder, name)
    passphrase = _read_private(passphrase_file)
    try:
        content = json.loads(_read_private(keystore))
        return LocalSigner(bytes(Account.decrypt(content, passphrase)))
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{keystore} does not open: {error}", hint=f"is {passphrase_file.name} its own?"
        ) from error


def _paths(folder: Path, name: str) -> tuple[Path, Path]:
    return folder / f"{name}.json", folder / f"{name}.passphrase"


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _read_private(path: Path) -> str:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise ConfigError(f"{path} has mode {mode:o}", allowed="600", hint=f"chmod 600 {path}")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(f"{path} is missing", hint="make the key first") from error
