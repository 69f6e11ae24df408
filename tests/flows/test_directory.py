"""Which business a number belongs to, however a carrier writes it."""

import pytest

from appliance.flows.directory import load
from appliance.store import connect, transaction


@pytest.mark.parametrize(
    ("timezone", "number", "dialled"),
    [
        ("Asia/Tehran", "+982188001122", "02188001122"),
        ("Asia/Dubai", "+97142345678", "042345678"),
        ("Europe/Istanbul", "+902125550000", "02125550000"),
        ("America/Denver", "+13035550123", "3035550123"),
        ("UTC", "+97142345678", "0097142345678"),
        ("UTC", "+97142345678", "97142345678"),
    ],
)
def test_a_number_is_found_in_the_form_its_country_writes_it(furnished, timezone, number, dialled):
    db = connect(furnished)
    with transaction(db):
        db.execute("UPDATE office SET timezone = ?", [timezone])
        db.execute("UPDATE numbers SET number = ? WHERE business_id = 'bakery'", [number])
    found = load(db).business_called(dialled)
    assert found is not None
    assert found.business_id == "bakery"
    db.close()
