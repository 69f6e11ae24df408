"""Framing: whatever the stream looks like, the frames are the same, or the stream is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.switch.freeswitch.failures import BadFrame
from appliance.switch.freeswitch.frames import MOST_HEADER_BYTES, FrameReader
from tests.appliance.switch.freeswitch import captures


def frames_of(name):
    return FrameReader().feed(captures.sent_by_freeswitch(name))


@pytest.mark.parametrize("name", captures.names())
def test_capture_is_the_same_however_it_is_chopped(name):
    stream = captures.sent_by_freeswitch(name)
    whole = FrameReader().feed(stream)
    for size in (1, 7, 1460):
        if size == 1 and len(stream) > 60_000:
            continue
        reader = FrameReader()
        pieces = [frame for at in range(0, len(stream), size) for frame in reader.feed(stream[at : at + size])]
        assert pieces == whole
    assert whole


@given(st.lists(st.integers(1, 400), min_size=1))
def test_any_chopping_gives_the_same_frames(sizes):
    stream = captures.sent_by_freeswitch("13_gateway_state_up_down")
    reader, at, got = FrameReader(), 0, []
    for size in [*sizes, len(stream)]:
        got += reader.feed(stream[at : at + size])
        at += size
    assert got == FrameReader().feed(stream)


def test_answers_are_read_from_a_real_sign_in():
    frames = frames_of("01_auth_ok_api_exit_disconnect")

    assert frames[0].content_type == "auth/request"
    assert frames[1].text == "+OK accepted"
    assert frames[2].text.startswith("UP 0 years")
    assert frames[3].text == "-ERR nosuchcommand Command not found!"
    assert frames[-1].content_type == "text/disconnect-notice"


def test_json_events_carry_names_variables_and_bodies():
    events = [f.event() for f in frames_of("07_originate_user_busy") if f.content_type == "text/event-json"]
    ended = next(e for e in events if e.name == "CHANNEL_HANGUP_COMPLETE")
    job = next(e for e in events if e.name == "BACKGROUND_JOB")

    assert ended["Hangup-Cause"] == "USER_BUSY"
    assert ended.variable("sip_term_status") == "486"
    assert ended.variable("no_such_variable") == ""
    assert job.body.strip() == "-ERR USER_BUSY"


def test_plain_events_are_decoded():
    events = [f.event() for f in frames_of("03_plain_events")]

    assert {e.name for e in events} >= {"DTMF"}
    digit = next(e for e in events if e.name == "DTMF")
    assert digit["DTMF-Digit"] in "0123456789*#"
    assert "%" not in digit["Channel-Name"]


def test_connect_reply_is_a_channels_data():
    data = frames_of("04_outbound_socket_full_call_linger_disconnect")[0].event()

    assert data.uuid == "f22ed492-c94c-4d22-8ebd-01f6e9c8b6dc"
    assert data["Caller-Destination-Number"] == "1001"
    assert data.variable("sip_from_uri") == "5551234@127.0.0.1"


def test_custom_events_go_by_their_subclass():
    names = {f.event().name for f in frames_of("11_unregister_register_events") if "event" in f.content_type}

    assert {"sofia::register", "sofia::unregister"} <= names


@pytest.mark.parametrize("length", ["-1", "99999999999999", "1e3", "7 7", "0x10", "٣"])
def test_bodies_of_impossible_length_are_refused(length):
    with pytest.raises(BadFrame):
        FrameReader().feed(f"Content-Type: api/response\nContent-Length: {length}\n\n".encode())


@pytest.mark.parametrize("line", ["no colon here", ": no name", "HTTP/1.1 200 OK"])
def test_lines_that_are_no_headers_are_refused(line):
    with pytest.raises(BadFrame):
        FrameReader().feed(f"{line}\n\n".encode())


def test_headers_without_an_end_are_refused_before_they_fill_the_memory():
    reader = FrameReader()
    for _ in range(MOST_HEADER_BYTES // 65536):
        assert reader.feed(b"a" * 65536) == []
    with pytest.raises(BadFrame):
        reader.feed(b"a" * 65536)


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"[" * 100_000])
def test_events_that_are_no_objects_are_refused(body):
    frame = FrameReader().feed(b"Content-Type: text/event-json\nContent-Length: %d\n\n%s" % (len(body), body))[0]
    with pytest.raises(BadFrame):
        frame.event()


def test_headers_given_twice_do_not_break_an_event():
    body = json.dumps({"Event-Name": "DTMF", "variable_x": ["1", "2"], "variable_y": None}).encode()
    frame = FrameReader().feed(b"Content-Type: text/event-json\nContent-Length: %d\n\n%s" % (len(body), body))[0]

    assert frame.event().variable("x") == "1"


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader_but_by_being_refused(data):
    reader = FrameReader()
    try:
        for frame in reader.feed(data):
            _ = frame.text
    except BadFrame:
        pass
