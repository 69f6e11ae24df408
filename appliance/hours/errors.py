"""What is refused in written opening hours."""

from appliance.fields import BadValue


class BadHours(BadValue):
    """Opening hours that cannot be read; ``day_key`` is the key they stand under, "" for the whole table."""

    code = "bad-hours"

    def __init__(self, day_key: str, found: object, allowed: str) -> None:
        super().__init__(found, allowed)
        self.day_key = day_key


class BadException(BadHours):
    """A day that differs from the week and cannot be read; ``day_key`` is its date as written."""

    code = "bad-exception"


class BadCountry(BadValue):
    """No country or region whose holidays are known."""

    code = "bad-country"
