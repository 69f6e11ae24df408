#!/bin/sh
# Write the lock files anew: exact versions and hashes, for every Python from 3.11 and every machine, no index named.
# For maintainers, with the network: `make lock`. uv resolves; pip installs.
set -eu
cd "$(dirname "$0")/.."

[ -x build/lock/bin/uv ] || {
    .venv/bin/python -m venv build/lock
    build/lock/bin/python -m pip --disable-pip-version-check --quiet install uv
}

compile() { # output, then uv's arguments
    output=$1
    shift
    UV_CUSTOM_COMPILE_COMMAND="make lock" build/lock/bin/uv pip compile --quiet --upgrade --universal --generate-hashes \
        --python-version 3.11 --no-emit-index-url --no-annotate --output-file "$output" "$@"
    echo "wrote $output"
}

compile requirements.lock pyproject.toml provisioning/build-requirements.txt
compile requirements-test.lock --extra test --constraint requirements.lock pyproject.toml provisioning/build-requirements.txt
compile provisioning/node.lock provisioning/node-requirements.txt
