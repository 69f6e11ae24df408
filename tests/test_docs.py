"""The documents tell the truth: links lead somewhere, settings and commands exist, the locks hold what is asked for."""

import argparse
import importlib
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from appliance import config

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
VARIABLE = re.compile(r"FRONTDESK_[A-Z][A-Z_]*[A-Z]")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_link_leads_somewhere(document):
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)
    local = [link.partition("#")[0] for link in links if not link.startswith(("http://", "https://", "mailto:", "#"))]
    missing = [link for link in local if not (document.parent / link).exists()]
    assert not missing


def test_every_setting_is_documented():
    read = set()
    for folder in ("appliance", "web"):
        for path in (ROOT / folder).rglob("*.py"):
            read |= set(VARIABLE.findall(path.read_text(encoding="utf-8")))
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert not {variable for variable in read if f"`{variable}`" not in page}


def test_no_document_names_a_setting_that_is_not_there():
    known = set()
    for path in [*(ROOT / "appliance").rglob("*.py"), *(ROOT / "provisioning").rglob("*.py"), ROOT / "Makefile"]:
        known |= set(VARIABLE.findall(path.read_text(encoding="utf-8")))
    for document in DOCUMENTS:
        assert set(VARIABLE.findall(document.read_text(encoding="utf-8"))) <= known, document


def test_the_defaults_in_settings_md_are_the_real_ones():
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    settings = config.load({})
    rows = dict(re.findall(r"^\| `(FRONTDESK_\w+)` \| `([^`]+)` \|", page, re.MULTILINE))
    assert rows["FRONTDESK_WEB_PORT"] == str(settings.web_port)
    assert rows["FRONTDESK_SIP_PORT"] == str(settings.sip_port)
    assert rows["FRONTDESK_RTP_PORTS"] == f"{settings.rtp_first}-{settings.rtp_last}"
    assert rows["FRONTDESK_BIND"] == settings.bind
    assert rows["FRONTDESK_ENGINE"] == settings.engine
    assert settings.home == Path(rows["FRONTDESK_HOME"]).absolute()


def test_every_make_task_that_is_documented_exists():
    tasks = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        named = set(re.findall(r"^(?:\S+=\S+ )*make ([a-z]+)", text, re.MULTILINE)) | set(
            re.findall(r"`make ([a-z]+)", text)
        )
        assert named <= tasks, document


def test_every_command_that_is_documented_exists():
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for word, rest in re.findall(r"(?:bin/|`)frontdesk ([a-z-]+)([^`\n]*)", text):
            module = importlib.import_module(f"appliance.commands.{word.replace('-', '_')}")
            parser = argparse.ArgumentParser()
            module.arguments(parser)
            options = set(re.findall(r"--[a-z-]+", rest.partition("#")[0])) - {"--home", "--help"}
            known = {option for action in parser._actions for option in action.option_strings}
            assert options <= known, f"{document}: frontdesk {word}{rest}"


def test_make_explains_itself():
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    tasks = re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert {"run", "test", "lint", "bench", "demo", "clean", "help"} <= set(tasks)
    assert all(f"  {task} " in done.stdout for task in tasks)


def locked(file: str) -> dict[str, list[str]]:
    """Each package of a lock with its hashes."""
    packages: dict[str, list[str]] = {}
    for line in (ROOT / file).read_text(encoding="utf-8").splitlines():
        if match := re.match(r"([a-z0-9-]+)==", line):
            packages.setdefault(match[1], [])
            current = match[1]
        elif "--hash=sha256:" in line:
            packages[current].append(line.strip())
    return packages


@pytest.mark.parametrize(
    ("lock", "extra"), [("requirements.lock", None), ("requirements-test.lock", "test")], ids=["run", "test"]
)
def test_the_lock_holds_what_the_project_asks_for(lock, extra):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *(project["optional-dependencies"][extra] if extra else [])]
    packages = locked(lock)
    missing = [a for a in asked if re.split(r"[\[<>=!~; ]", a)[0].lower().replace("_", "-") not in packages]
    assert not missing, "run: make lock"
    assert all(packages.values()), "each package is locked by its hashes"


@pytest.mark.parametrize(
    "lock", ["requirements.lock", "requirements-test.lock", "provisioning/node.lock", "package-lock.json"]
)
def test_no_lock_names_an_index(lock):
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text


def test_tests_run_what_is_run():
    run, test = (
        dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE))
        for file in ("requirements.lock", "requirements-test.lock")
    )
    assert run.items() <= test.items()


def test_decisions_are_all_listed():
    folder = ROOT / "docs" / "decisions"
    listed = set(re.findall(r"\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8")))
    assert listed == {path.name for path in folder.glob("0*.md")}
