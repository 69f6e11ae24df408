"""FreeSWITCH's words: read from what a real one sent."""

import pytest

from appliance.switch.causes import Cause
from appliance.switch.freeswitch import translate
from appliance.switch.freeswitch.frames import Event, FrameReader
from appliance.switch.port import Origin, Party
from tests.appliance.switch.freeswitch import captures


def events(name):
    frames = FrameReader().feed(captures.sent_by_freeswitch(name))
    return [frame.event() for frame in frames if frame.content_type.startswith("text/event")]


def ended(name):
    return next(e for e in events(name) if e.name == "CHANNEL_HANGUP_COMPLETE")


def test_every_cause_has_a_name_that_comes_back_near_to_it():
    loose = {Cause.SESSION_EXPIRED: Cause.TIMEOUT, Cause.INTERRUPTED: Cause.SERVICE_UNAVAILABLE}
    for cause in Cause:
        assert translate.from_hangup_cause(translate.to_hangup_cause(cause)) is loose.get(cause, cause)


def test_busy_phone_is_the_partys_own_end():
    how = translate.how_ended(ended("07_originate_user_busy"), was_answered=False, asked=None)

    assert (how.cause, how.by_party) == (Cause.BUSY, True)
    assert translate.sip_status(ended("07_originate_user_busy")) == 486


def test_caller_who_hangs_up_ended_it_though_we_were_about_to():
    how = translate.how_ended(ended("10_outbound_caller_hangup_linger"), was_answered=True, asked=Cause.INTERRUPTED)

    assert (how.cause, how.by_party) == (Cause.NORMAL, True)


def test_caller_who_gives_up_before_the_answer_cancelled():
    event = Event({"Hangup-Cause": "ORIGINATOR_CANCEL", "variable_sip_hangup_disposition": "recv_cancel"})

    assert translate.how_ended(event, was_answered=False, asked=None).cause is Cause.CANCELLED


@pytest.mark.parametrize("cause", list(Cause))
def test_leg_we_ended_has_the_cause_we_gave(cause):
    event = Event({"Hangup-Cause": "NORMAL_CLEARING", "variable_sip_hangup_disposition": "send_bye"})

    assert translate.how_ended(event, was_answered=True, asked=cause).cause is cause


def test_results_of_originates():
    assert translate.from_job("-ERR USER_NOT_REGISTERED\n") == ("", Cause.NOT_REGISTERED)
    assert translate.from_job("+OK 7f4de4bc\n") == ("7f4de4bc", None)
    assert translate.from_job("") == ("", Cause.NETWORK)


def test_phones_registered_now():
    frames = FrameReader().feed(captures.sent_by_freeswitch("12_api_queries"))
    text = next(f.text for f in frames if "reg_user" in f.text and f.content_type == "api/response")
    found = {b.extension: b for b in translate.registrations(text)}

    assert found["101"].contact == "sip:101@127.0.0.1:5101"
    assert found["103"].source == "udp:127.0.0.1:5103"
    assert found["101"].expires_at.startswith("2026-11-22T")
    assert translate.registrations('{"row_count": 0}') == []


def test_phone_that_registers_is_the_one_in_the_list():
    event = next(e for e in events("11_unregister_register_events") if e.name == "sofia::register")
    binding = translate.registration(event)

    assert (binding.extension, binding.contact) == ("101", "sip:101@127.0.0.1:5101")
    assert (binding.source, binding.user_agent) == ("udp:127.0.0.1:5101", "")


def test_trunk_that_stops_answering_is_down_and_says_why():
    up, down = (translate.trunk_state(e) for e in events("13_gateway_state_up_down")[:2])

    assert (up.trunk_id, up.state, up.reason) == ("pinged", "up", "")
    assert (down.state, down.reason) == ("down", "Service Unavailable")


@pytest.mark.parametrize(
    ("fields", "state", "reason"),
    [
        ({"State": "REGED", "Ping-Status": "UP"}, "up", ""),
        ({"State": "FAIL_WAIT", "Status": "403", "Phrase": "Forbidden"}, "down", "wrong password"),
        ({"State": "FAIL_WAIT", "Status": "408"}, "down", "no answer"),
        ({"State": "FAIL_WAIT", "Status": "0"}, "down", ""),
        ({"State": "TIMEOUT", "Status": "0"}, "down", "no answer"),
    ],
)
def test_registering_trunks(fields, state, reason):
    changed = translate.trunk_state({"Gateway": "main", **fields})
    assert (changed.state, changed.reason) == (state, reason)


def test_trunk_that_is_trying_tells_nothing_yet():
    assert translate.trunk_state({"Gateway": "main", "State": "TRYING"}) is None


def test_withheld_number_is_no_number():
    data = {"Caller-Caller-ID-Number": "+982188001122", "Caller-Privacy-Hide-Number": "true"}

    assert translate.caller(Event(data)) == Party("")
    assert translate.caller(Event({"Caller-Caller-ID-Number": "anonymous"})) == Party("")
    assert translate.caller(Event({"Caller-Caller-ID-Number": "1", "Caller-Caller-ID-Name": "Dov"})) == Party(
        "1", "Dov"
    )


def test_origin_is_what_our_dialplan_found_and_nothing_else():
    trunk = Event({"variable_frontdesk_origin": "trunk", "variable_frontdesk_trunk": "main"})
    phone = Event({"variable_frontdesk_origin": "extension", "variable_frontdesk_extension": "101"})

    assert translate.origin(trunk) == Origin("trunk", "main")
    assert translate.origin(phone) == Origin("extension", "101")
    assert translate.origin(Event({})) is None
    assert translate.origin(Event({"variable_frontdesk_origin": "extension"})) is None
