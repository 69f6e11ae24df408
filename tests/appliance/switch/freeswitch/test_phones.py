"""Registrations: what FreeSWITCH tells is believed at once, what its list tells later is held against it."""

import asyncio
import json

import pytest

from appliance.switch.freeswitch import phones as phones_module
from appliance.switch.freeswitch.frames import Event
from appliance.switch.freeswitch.phones import Phones


class ListOnly:
    """A FreeSWITCH that answers "show registrations"."""

    def __init__(self):
        self.rows = []

    async def api(self, _text):
        return json.dumps({"row_count": len(self.rows), "rows": self.rows})


def said(name, extension="101", port=5101):
    return Event({
        "Event-Name": "CUSTOM", "Event-Subclass": name, "username": extension, "expires": "300",
        "contact": f'"" <sip:{extension}@127.0.0.1:{port}>', "status": "Registered(UDP)",
        "network-ip": "127.0.0.1", "network-port": str(port), "user-agent": "Yealink",
    })  # fmt: skip


def row(extension="101", port=5101):
    return {
        "reg_user": extension, "url": f"sofia/office/sip:{extension}@127.0.0.1:{port}", "expires": "1795493471",
        "network_ip": "127.0.0.1", "network_port": str(port), "network_proto": "udp", "token": "x",
    }  # fmt: skip


def make():
    switch, told = ListOnly(), []
    return switch, told, Phones(lambda: switch, told.append)


def test_phone_can_be_rung_as_soon_as_it_is_told():
    _switch, told, phones = make()
    phones.take(said("sofia::register"))

    assert told == ["101"]
    assert [one.where for one in phones.endpoints("101", "office", "off")] == ["sofia/office/sip:101@127.0.0.1:5101"]
    assert phones.bindings("101")[0].user_agent == "Yealink"


def test_phone_that_is_wrong_about_its_address_is_rung_where_it_registered_from():
    _switch, _told, phones = make()
    phones.take(Event({**said("sofia::register"), "contact": '"" <sip:101@192.0.2.7:5101>'}))

    assert [one.where for one in phones.endpoints("101", "office", "off")] == [
        "sofia/office/sip:101@192.0.2.7:5101;fs_nat=yes;fs_path=sip%3A127.0.0.1%3A5101%3Btransport%3Dudp"
    ]


def test_list_that_lags_takes_no_phone_away():
    _switch, told, phones = make()
    phones.take(said("sofia::register"))
    asyncio.run(phones.read())

    assert len(phones.bindings()) == 1
    assert told == ["101"]


def test_phone_that_left_does_not_come_back_from_a_list_that_lags():
    switch, _told, phones = make()
    phones.take(said("sofia::register"))
    phones.take(said("sofia::unregister"))
    switch.rows = [row()]
    asyncio.run(phones.read())

    assert phones.bindings() == []


def test_phones_known_to_freeswitch_before_us_are_found(monkeypatch):
    switch, told, phones = make()
    switch.rows = [row(), row(port=5102), row("102", 5103)]
    asyncio.run(phones.read())

    assert sorted(told) == ["101", "102"]
    assert len(phones.bindings("101")) == 2
    monkeypatch.setattr(phones_module, "LIST_LAG_SECONDS", 0.0)
    switch.rows = [row("102", 5103)]
    asyncio.run(phones.read())
    assert [b.extension for b in phones.bindings()] == ["102"]


@pytest.mark.parametrize(
    ("srtp", "source", "offered"),
    [
        ("optional", "udp", ""),
        ("optional", "tcp", ""),
        ("optional", "tls", "optional"),
        ("required", "udp", "mandatory"),
        ("required", "tls", "mandatory"),
        ("off", "tls", ""),
    ],
)
def test_keys_are_offered_where_they_are_safe_or_nothing_else_will_do(srtp, source, offered):
    _switch, _told, phones = make()
    phones.take(Event({**said("sofia::register"), "status": f"Registered({source.upper()})"}))
    assert [one.srtp for one in phones.endpoints("101", "office", srtp)] == [offered]
