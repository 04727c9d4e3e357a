#!/usr/bin/env python3
"""Make .venv, install Tribunate in it, and run it.  Needs Python 3.11 to 3.13 and nothing else.

    python bootstrap.py demo [arguments of `tribunate demo`]
    python bootstrap.py test [arguments of pytest]
    python bootstrap.py install

Everything that this file says goes to standard error; standard output belongs to what it runs.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import urllib.parse
import urllib.request
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
USAGE = "usage: python bootstrap.py demo|test|install [arguments that are passed on]"


def say(text: str) -> None:
    """Print for people, on standard error."""
    print(text, file=sys.stderr, flush=True)


def pip(*arguments: str, capture: bool = False) -> str:
    """Run pip of the environment; its output goes to standard error unless captured."""
    command = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", *arguments]
    output = subprocess.PIPE if capture else sys.stderr
    return subprocess.run(command, stdout=output, check=True, cwd=ROOT, text=True).stdout or ""


def torch_wheel() -> tuple[str, int | None]:
    """Return the file name of the torch wheel that pip would take, and its size in bytes if known."""
    report = pip(
        "install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps", "--report", "-",
        "-c", "constraints.txt", "torch", capture=True,
    )  # fmt: skip
    url = json.loads(report)["install"][0]["download_info"]["url"]
    path = urllib.parse.unquote(urllib.parse.urlparse(url).path)
    return path.rsplit("/", 1)[-1], wheel_size(url, path)


def wheel_size(url: str, path: str) -> int | None:
    """Return the size of a wheel on disk or on a server, ``None`` when nobody tells."""
    if url.startswith("file:"):
        return Path(urllib.request.url2pathname(path)).stat().st_size
    try:
        request = urllib.request.Request(url, method="HEAD")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.headers["content-length"])
    except (OSError, TypeError, ValueError):
        return None


def announce_torch() -> None:
    """Say which torch build comes, and how large it is."""
    try:
        name, size = torch_wheel()
    except (subprocess.CalledProcessError, KeyError, IndexError, ValueError) as error:
        say(f"torch: pip could not tell which wheel it takes ({error})")
        return
    shown = "size unknown" if size is None else f"{size / 1e6:.0f} MB"
    say(f"torch: {name} ({shown})")
    if sys.platform == "linux" and "cpu" not in name:
        say("       this build brings CUDA packages of several GB that Tribunate does not need;")
        say("       for the CPU build, put PyTorch's CPU index into PIP_EXTRA_INDEX_URL and run again")


def fingerprint(extras: str) -> str:
    """Return what an installation depends on, as a short hash."""
    parts = [(ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
    parts += [extras.encode(), sys.version.encode(), str(ROOT).encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def install(extras: str) -> None:
    """Make the environment and install the project, unless that has been done for this version."""
    mark = VENV / f"installed{extras.strip('[]') and '-' + extras.strip('[]')}"
    wanted = fingerprint(extras)
    if mark.is_file() and mark.read_text() == wanted and PYTHON.exists():
        return
    if not PYTHON.exists():
        say(f"making {VENV.name}")
        venv.create(VENV, with_pip=True)
    announce_torch()
    say("installing (the first time takes a few minutes)")
    pip("install", "--quiet", "--progress-bar", "off", "-c", "constraints.txt", "-e", f".{extras}")
    compile_kernels()
    mark.write_text(wanted)


def compile_kernels() -> None:
    """Compile the simulator once, so that nobody waits for it later; without it all still works."""
    say("compiling the simulator's kernels")
    warm_up = [str(PYTHON), "-c", "from simulations.compiled import warm_up; warm_up()"]
    ended = subprocess.run(warm_up, cwd=ROOT, check=False).returncode
    if ended:
        say(f"       that ended with {ended}; the first simulation will compile them")


def hand_over(arguments: list[str]) -> int:
    """Become the command (signals go straight to it), or run it where that is not possible."""
    command = [str(PYTHON), "-m", *arguments]
    if os.name == "posix":
        sys.stdout.flush()
        os.chdir(ROOT)
        os.execv(str(PYTHON), command)
    return subprocess.call(command, cwd=ROOT)


def main(arguments: list[str]) -> int:
    """Install what the first argument needs, and run it."""
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        say(f"error: this is Python {sys.version.split()[0]}\n       allowed: 3.11 to 3.13")
        return 2
    act, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if act not in {"demo", "test", "install"}:
        say(f"error: {act or 'no command'} is not something to do\n       allowed: demo, test, install")
        say(USAGE)
        return 0 if act in {"-h", "--help"} else 2
    try:
        install("[dev]" if act == "test" else "")
    except subprocess.CalledProcessError as error:
        say(f"error: pip ended with {error.returncode}")
        say("       hint: read its last lines above; check the network")
        return 3
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    if act == "install":
        return 0
    return hand_over(["tribunate", "demo", *rest] if act == "demo" else ["pytest", *rest])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
