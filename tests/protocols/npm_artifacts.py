"""Contracts that other projects ship on npm: read where ``npm ci`` put them, linked here.

Nothing of theirs is committed: Aave's sources and bytecode carry a licence of their own.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NoReturn

import pytest

from contracts.artifacts import FOLDER, Artifact, load_any_artifact
from core.errors import ConfigError

NODE_MODULES = FOLDER / "node_modules"
INSTALL = "cd contracts && npm ci --ignore-scripts"


def installed(package: str) -> Path:
    """Return the folder of an npm package; see :func:`missing`."""
    folder = NODE_MODULES / package
    return folder if folder.is_dir() else missing(f"the npm package {package}")


def missing(what: str) -> NoReturn:
    """Skip the test where nothing of npm is installed, which is how users run the tests.

    Fails where npm is expected (``TRIBUNATE_NPM`` is set) or was installed from an older lock file.
    """
    if os.environ.get("TRIBUNATE_NPM") or NODE_MODULES.is_dir():
        pytest.fail(f"{what} is missing: {INSTALL}")
    pytest.skip(f"contracts/node_modules is absent: {INSTALL}")


class NpmArtifacts:
    """Loads by contract name what lies below a folder, with the libraries linked that are known so far.

    A name of our own (``contracts/artifacts``) is served too, so that one client has both.
    """

    def __init__(self, folder: Path) -> None:
        self._paths: dict[str, list[Path]] = {}
        for path in sorted(folder.rglob("*.json")):
            if not path.name.endswith(".dbg.json") and path.parent.name != "build-info":
                self._paths.setdefault(path.stem, []).append(path)
        self._libraries: dict[str, str] = {}

    def link(self, library: str, address: str) -> None:
        """Use ``address`` wherever ``library`` is called from now on."""
        self._libraries[library] = address

    def __call__(self, name: str) -> Artifact:
        """Return the contract, linked."""
        paths = self._paths.get(name)
        if paths is None:
            return load_any_artifact(name)
        if len(paths) > 1:
            raise ConfigError(f"{len(paths)} artifacts are called {name}", hint="read a narrower folder")
        content = json.loads(paths[0].read_text(encoding="utf-8"))
        code = self._linked(content["bytecode"], content.get("linkReferences", {}))
        return Artifact(name, tuple(content["abi"]), bytes.fromhex(code))

    def _linked(self, bytecode: str, references: dict[str, dict[str, list[dict[str, Any]]]]) -> str:
        code = bytecode.removeprefix("0x")
        for libraries in references.values():
            for library, places in libraries.items():
                address = self._libraries.get(library)
                if address is None:
                    raise ConfigError(f"the library {library} is not linked", hint="deploy it first")
                for place in places:
                    start, end = 2 * place["start"], 2 * (place["start"] + place["length"])
                    code = code[:start] + address[2:].lower() + code[end:]
        return code
