"""Settings from the environment."""

from pathlib import Path

import pytest

from appliance import config


def test_the_defaults_are_those_of_the_documentation():
    settings = config.load({})
    assert (settings.web_port, settings.sip_port, settings.rtp_first, settings.rtp_last) == (8080, 5060, 16384, 17383)
    assert settings.home == Path("var").absolute()


def test_a_home_on_the_command_line_wins():
    assert config.load({"FRONTDESK_HOME": "/a"}, home="/b").home == Path("/b")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FRONTDESK_WEB_PORT", "http"),
        ("FRONTDESK_WEB_PORT", "0"),
        ("FRONTDESK_SIP_PORT", "65536"),
        ("FRONTDESK_SIP_PORT", "-1"),
        ("FRONTDESK_RTP_PORTS", "16384"),
        ("FRONTDESK_RTP_PORTS", "17000-16000"),
        ("FRONTDESK_RTP_PORTS", "1-2"),
        ("FRONTDESK_ENGINE", "asterisk"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_what_is_allowed(name, value):
    with pytest.raises(config.BadSetting) as refusal:
        config.load({name: value})
    assert name in refusal.value.message
    assert refusal.value.hint
