"""What every test begins with."""

from collections.abc import Iterator

import pytest

from appliance import clock, i18n


@pytest.fixture(autouse=True)
def as_at_the_start() -> Iterator[None]:
    """English and the real clock, whatever the test before has left behind."""
    clock.use(None)
    with i18n.speaking("en"):
        yield
