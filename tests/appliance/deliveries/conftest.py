"""What the tests of deliveries stand on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.appliance.deliveries.post_office import Office, Sink


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path / "office")
    yield made
    made.db.close()


@pytest.fixture
def sink() -> Sink:
    return Sink()
