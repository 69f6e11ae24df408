#!/bin/sh
# Make .venv with the newest Python that fits, or say in a sentence what is missing.
# PYTHON=/path/to/python3 chooses one. Leaves out: what is installed into it (Makefile).
set -eu

OLDEST="3, 11"

fits() { # whether $1 runs and is new enough
    "$1" -c "import sys; sys.exit(sys.version_info < ($OLDEST))" >/dev/null 2>&1
}

find_python() { # the newest that fits, preferring one that can fill an environment by itself
    chosen=""
    for name in python3.14 python3.13 python3.12 python3.11 python3 python; do
        found=$(command -v "$name" 2>/dev/null) || continue
        fits "$found" || continue
        if "$found" -c "import ensurepip, venv" >/dev/null 2>&1; then
            echo "$found"
            return
        fi
        [ -n "$chosen" ] || chosen=$found
    done
    echo "$chosen"
}

say_and_stop() {
    printf '%s\n' "$@" >&2
    exit 1
}

if [ -n "${PYTHON:-}" ]; then
    python=$(command -v "$PYTHON") || say_and_stop "There is no $PYTHON here."
    fits "$python" || say_and_stop "$PYTHON is older than Python 3.11, or does not start."
else
    python=$(find_python)
    [ -n "$python" ] || say_and_stop \
        "Frontdesk needs Python 3.11 or newer, and found none." \
        "On Debian 12, Raspberry Pi OS or Ubuntu 23.04 and newer: sudo apt install python3 python3-venv"
fi

can_fill() { "$python" -c "import ensurepip, venv" >/dev/null 2>&1; }

if ! can_fill && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    # Debian keeps this part of Python in a package of its own
    package=$("$python" -c 'import sys; print(f"python{sys.version_info[0]}.{sys.version_info[1]}-venv")')
    echo "This Python came without its venv module: installing Debian's $package …"
    { apt-get -qq update && apt-get -qq install -y --no-install-recommends "$package"; } </dev/null >/dev/null || true
fi

rm -rf .venv
echo "Making .venv with $("$python" --version) …"
if can_fill; then
    "$python" -m venv .venv
elif "$python" -m pip --version >/dev/null 2>&1 && "$python" -m venv --without-pip .venv 2>/dev/null; then
    # no ensurepip, but a pip of its own (22.3 or newer): let that one bring pip into the environment
    "$python" -m pip --disable-pip-version-check --quiet --python .venv/bin/python install pip
elif command -v virtualenv >/dev/null 2>&1; then
    virtualenv --quiet --python "$python" .venv
else
    rm -rf .venv
    say_and_stop \
        "$python cannot make an environment: its venv module is not complete." \
        "On Debian, Raspberry Pi OS and Ubuntu: sudo apt install python3-venv   and then once more: make run"
fi
