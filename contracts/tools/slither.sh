#!/usr/bin/env bash
# Static analysis of src/ with slither, through forge and the pinned compiler.
#
#   tools/slither.sh [OPTION ...]      options go to slither (--print human-summary, --json FILE, ...)
#
# Slither pins an older web3 than ours, so it has an environment of its own below cache/.
set -euo pipefail
cd "$(dirname "$0")/.."
version=0.11.6
venv=cache/slither-$version

if [ ! -x node_modules/.bin/forge ]; then
    echo "tools/slither.sh: forge is missing; run: npm ci --ignore-scripts" >&2
    exit 2
fi
if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv.partial"
    "$venv.partial/bin/pip" install --quiet --disable-pip-version-check "slither-analyzer==$version"
    mv "$venv.partial" "$venv"
fi
export FOUNDRY_OUT=cache/slither-out FOUNDRY_CACHE_PATH=cache/slither-cache
PATH="$PWD/node_modules/.bin:$PATH" exec "$venv/bin/python" -m slither . \
    --filter-paths 'node_modules|forge/' --exclude-dependencies "$@"
