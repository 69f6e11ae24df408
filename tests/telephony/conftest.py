"""The test bench: an office and its peers, each test its own, all ended with the test.

Owns: fixtures of the telephony suite, running its coroutine tests. Leaves out: the peers (tests/peers).
"""

import asyncio
import inspect
from pathlib import Path

import pytest

from tests.peers.bench import Bench
from tests.peers.options import why_not


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    """The switch under test; skipped with a reason where this machine cannot run it."""
    name = str(request.param)
    if reason := why_not(name):
        pytest.skip(reason)
    return name


@pytest.fixture
def bench(engine: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Peers and an office for one test."""
    return Bench(engine, tmp_path, spoken=tmp_path_factory.getbasetemp() / "spoken")


@pytest.fixture
def peers(tmp_path: Path) -> Bench:
    """Peers alone, with no office."""
    return Bench("", tmp_path)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine test in a loop of its own, and close its bench in that loop."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}

    async def run() -> None:
        try:
            await pyfuncitem.obj(**arguments)
        finally:
            for value in arguments.values():
                if isinstance(value, Bench):
                    await value.close()

    asyncio.run(run())
    return True
