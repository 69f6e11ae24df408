"""The arrows of docs/architecture.md, checked: who imports whom, and what must stay out of the core's memory."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = [path for folder in ("appliance", "web") for path in sorted((ROOT / folder).rglob("*.py"))]
SLICES = sorted(
    path.name
    for path in (ROOT / "appliance").iterdir()
    if path.is_dir()
    and (path / "__init__.py").exists()
    and path.name not in {"commands", "control", "demo", "flows", "locale", "store", "switch"}
)


def module_name(path: Path) -> str:
    """``appliance.calls.service`` for its file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_names(path: Path) -> list[tuple[str, str]]:
    """(module, name) of each ``from module import name``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [
        (node.module or "", alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]


def test_every_import_contract_holds():
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def test_every_slice_stands_in_the_contracts():
    contracts = (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("[tool.importlinter]")[2]
    forgotten = [name for name in SLICES if contracts.count(f"appliance.{name}") < 3]
    assert not forgotten, f"name these slices in pyproject.toml's import contracts: {forgotten}"


def test_nobody_imports_a_private_name_of_another_module():
    found = [
        f"{module_name(path)}: from {module} import {name}"
        for path in SOURCES
        for module, name in imported_names(path)
        if module.startswith(("appliance", "web")) and name.startswith("_") and not name.startswith("__")
    ]
    assert not found


def test_a_slice_s_tables_are_touched_through_its_service_only():
    found = []
    for path in SOURCES:
        own = module_name(path).split(".")[:2]
        for module, name in imported_names(path):
            whole = f"{module}.{name}".split(".")
            if whole[0] == "appliance" and whole[1] in SLICES and whole[:2] != own and "store" in whole[2:]:
                found.append(f"{module_name(path)}: from {module} import {name}")
    assert not found


@pytest.mark.parametrize("path", sorted((ROOT / "appliance").glob("*/rules.py")), ids=lambda path: path.parent.name)
def test_rules_do_not_ask_the_clock(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    asked = [
        f"{path.name}:{node.lineno}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"now", "utcnow", "today", "time", "monotonic"}
    ]
    assert not asked, "give the rule the time as an argument"


def test_the_core_starts_without_the_heavy_libraries():
    # speech and pages live in processes of their own: the core has to fit beside them on a machine with 1 GB
    heavy = "flask gunicorn soundfile soxr espeakng_loader playwright"
    program = f"import sys, appliance.daemon; print([m for m in '{heavy}'.split() if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
