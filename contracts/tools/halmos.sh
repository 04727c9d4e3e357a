#!/usr/bin/env bash
# Symbolic proofs of the functions check_* below forge/, by halmos, on what forge compiles.
#
#   tools/halmos.sh [OPTION ...]       options go to halmos (--contract NAME, --function PREFIX, ...)
#
# Halmos has an environment of its own below cache/: its solver is 200 MB, and nobody else needs it.
set -euo pipefail
cd "$(dirname "$0")/.."
version=0.3.3
venv=cache/halmos-$version

if [ ! -x node_modules/.bin/forge ]; then
    echo "tools/halmos.sh: forge is missing; run: npm ci --ignore-scripts" >&2
    exit 2
fi
if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv.partial"
    "$venv.partial/bin/pip" install --quiet --disable-pip-version-check "halmos==$version"
    mv "$venv.partial" "$venv"
fi
# Halmos needs syntax trees; apart from forge's own output, so that neither makes the other compile anew.
export FOUNDRY_OUT=cache/halmos-out FOUNDRY_CACHE_PATH=cache/halmos-cache
PATH="$PWD/node_modules/.bin:$PATH" exec "$venv/bin/python" -m halmos --forge-build-out "$FOUNDRY_OUT" "$@"
