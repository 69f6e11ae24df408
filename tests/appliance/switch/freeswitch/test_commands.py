"""Commands: what is sent, and what never is."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.switch.causes import Cause
from appliance.switch.freeswitch import commands
from appliance.switch.freeswitch.commands import Endpoint
from appliance.switch.freeswitch.failures import BadValue

CHANNEL = "f22ed492-c94c-4d22-8ebd-01f6e9c8b6dc"
HOSTILE = ["", "a\nb", "a\n\napi shutdown", "x y", "1;2", "1'2", '1"2', "a,b", "{a=b}", "[a=b]", "${x}", "a|b", "a\0b"]


def test_phones_ring_at_once_each_as_a_channel_of_its_own():
    text = commands.originate(
        {
            "a1": Endpoint("sofia/phones/sip:101@127.0.0.1:5101"),
            "a2": Endpoint("sofia/phones/sip:101@127.0.0.1:5102;transport=tls", "optional"),
        },
        {"origination_caller_id_name": "Nasim Bakery"},
    )

    assert text == (
        "originate {origination_caller_id_name='Nasim Bakery'}"
        "[origination_uuid=a1]sofia/phones/sip:101@127.0.0.1:5101,"
        "[origination_uuid=a2,rtp_secure_media=optional]sofia/phones/sip:101@127.0.0.1:5102;transport=tls"
        " in-hand XML core"
    )


def test_files_play_without_a_gap():
    text = commands.playback(CHANNEL, [Path("/home/a.wav"), Path("/home/b.wav")], name="play1")

    assert "execute-app-arg: file_string:///home/a.wav!/home/b.wav" in text.split("\n")
    assert text.split("\n")[0] == f"sendmsg {CHANNEL}"


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_are_refused(value):
    for refused in (
        lambda: commands.uuid(value),
        lambda: commands.number(value),
        lambda: commands.kill(value, Cause.NORMAL),
        lambda: commands.send_digits(CHANNEL, value),
        lambda: commands.execute(CHANNEL, value),
    ):
        with pytest.raises(BadValue):
            refused()


@pytest.mark.parametrize("value", [v for v in HOSTILE if ";" not in v])
def test_hostile_contacts_are_refused(value):
    with pytest.raises(BadValue):
        commands.originate({"a": Endpoint(f"sofia/phones/{value}")}, {})


@pytest.mark.parametrize("value", ["a\nb", "a'b", "${x}", "a]b", "a}b", "\\"])
def test_hostile_variables_are_refused(value):
    with pytest.raises(BadValue):
        commands.originate({"a": Endpoint("sofia/phones/x")}, {"v": value})


@pytest.mark.parametrize("path", ["a.wav", "/a!b.wav", "/a\nb.wav", "/a{b.wav", "/a'b.wav", "/$x"])
def test_hostile_paths_are_refused(path):
    with pytest.raises(BadValue):
        commands.file(Path(path))


@pytest.mark.parametrize(
    ("name", "shown"),
    [("Nasim's Bakery", "Nasim’s Bakery"), ("نان نسیم", "نان نسیم"), ("A, B & C", "A B & C"), ("{x=1}[y]", "x1y")],
)
def test_names_are_shown_without_what_could_be_a_command(name, shown):
    assert commands.shown_name(name) == shown


@given(st.text())
def test_any_name_may_be_shown(name):
    shown = commands.shown_name(name)
    text = commands.originate({"a": Endpoint("sofia/phones/x")}, {"v": shown})
    assert text == f"originate {{v='{shown}'}}[origination_uuid=a]sofia/phones/x in-hand XML core"


@given(st.text())
def test_no_value_makes_a_second_command(value):
    for make in (
        lambda: commands.execute(CHANNEL, "playback", value),
        lambda: commands.set_variables(CHANNEL, {"v": value}),
    ):
        try:
            text = make()
        except BadValue:
            continue
        assert "\n\n" not in text
        assert "\r" not in text
        assert "\0" not in text
