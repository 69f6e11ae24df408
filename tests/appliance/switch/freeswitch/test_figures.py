"""What FreeSWITCH tells of the sound of a leg, as real ones told it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.switch.freeswitch.figures import Reports
from appliance.switch.freeswitch.frames import Event

# of a call of 720 packets, 76 of which a test phone withheld at random
REPORTS = ((4.06, 17, 0), (8.07, 31, 0), (12.10, 61, 0))
AT_THE_END = {
    "variable_rtp_audio_in_media_packet_count": "640",
    "variable_rtp_audio_in_flaw_total": "193",
    "variable_rtp_audio_in_jitter_loss_rate": "0.12",
    "variable_rtp_audio_in_jitter_max_variance": "269.00",
    "variable_rtp_audio_in_mos": "3.50",
    "variable_read_codec": "PCMU",
    "variable_read_rate": "8000",
}


def sent(lost: int, jitter: int = 0) -> Event:
    return Event({"Event-Name": "SEND_RTCP_MESSAGE", "Source-Lost": str(lost), "Source-Jitter": str(jitter)})


def end(**more: str) -> Event:
    return Event(AT_THE_END | more)


def test_losses_are_those_of_the_reports_and_in_proportion_for_the_rest():
    reports = Reports()
    reports.begin(0.0)
    for at, lost, jitter in REPORTS:
        reports.ours(sent(lost, jitter), at)
    figures = reports.at_the_end(end(), 14.45)
    assert figures.packets_received == 640
    assert figures.packets_lost == pytest.approx(76, abs=4)
    assert (figures.codec, figures.extra["mos"]) == ("PCMU", "3.50")


def test_a_call_too_short_for_a_report_is_told_by_its_flaws():
    reports = Reports()
    reports.begin(0.0)
    assert reports.at_the_end(end(), 3.0).packets_lost == pytest.approx(76, abs=15)


def test_a_phone_that_begins_a_new_stream_has_lost_what_both_lost():
    reports = Reports()
    reports.begin(0.0)
    for at, lost in ((4.0, 10), (8.0, 3), (12.0, 5)):
        reports.ours(sent(lost), at)
    assert reports.at_the_end(end(), 12.0).packets_lost == 15


@pytest.mark.parametrize(("codec", "rate"), [("PCMU", "8000"), ("G722", "16000"), ("PCMA", "")])
def test_jitter_is_told_in_milliseconds_of_the_codecs_clock(codec, rate):
    reports = Reports()
    reports.begin(0.0)
    reports.ours(sent(0, jitter=80), 4.0)
    figures = reports.at_the_end(end(variable_read_codec=codec, variable_read_rate=rate), 5.0)
    assert figures.jitter_ms == 10.0


def test_what_the_other_side_hears_is_told_when_it_says_so():
    reports = Reports()
    reports.theirs(Event({"Source0-Lost": "7", "Rtt0-Avg": "0.012"}))
    extra = reports.at_the_end(end(), 5.0).extra
    assert (extra["lost_at_far_end"], extra["round_trip_ms"]) == ("7", "12.0")
    assert "lost_at_far_end" not in Reports().at_the_end(end(), 5.0).extra


@given(st.lists(st.text(max_size=8), min_size=4, max_size=4), st.floats(0, 1e6), st.floats(0, 1e6))
def test_whatever_is_told_gives_figures(words, at, now):
    reports = Reports()
    reports.ours(Event({"Source-Lost": words[0], "Source-Jitter": words[1]}), at)
    reports.theirs(Event({"Source0-Lost": words[0], "Rtt0-Avg": words[2]}))
    figures = reports.at_the_end(Event({"variable_rtp_audio_in_flaw_total": words[3]}), now)
    assert figures.packets_lost >= 0
    assert figures.jitter_ms >= 0
