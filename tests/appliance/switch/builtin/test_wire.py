"""Reading packets: what is valid however odd (RFC 4475 §3.1.1), and what is refused (§3.1.2)."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.switch.builtin.replies import reply
from appliance.switch.builtin.uris import address, quoted, uri_user, user_of
from appliance.switch.builtin.wire import Malformed, Place, Request, read

HERE = Place("udp", "192.0.2.7", 5060)
PLAIN = (
    "OPTIONS sip:user@example.com SIP/2.0\r\nVia: SIP/2.0/UDP host.example.com:5080;branch=z9hG4bKkdj;rport\r\n"
    "Max-Forwards: 70\r\nFrom: sip:caller@example.net;tag=1\r\nTo: sip:user@example.com\r\n"
    "Call-ID: one@example\r\nCSeq: 8 OPTIONS\r\nContent-Length: 0\r\n\r\n"
)


def parsed(text: str) -> Request:
    """The request in a text."""
    request = read(text.encode(), HERE)
    assert isinstance(request, Request)
    return request


def test_a_short_tortuous_invite_is_read() -> None:
    request = parsed(
        "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\r\nTO :\r\n sip:vivekg@chair-dnrc.example.com ;"
        "   tag    = 1918181833n\r\n"
        'from   : "J Rosenberg \\\\\\""       <sip:jdrosen@example.com>\r\n  ;\r\n  tag = 98asjd8\r\n'
        "MaX-fOrWaRdS: 0068\r\nCall-ID: wsinv.ndaksdj@192.0.2.1\r\nContent-Length   : 0\r\n"
        "cseq: 0009\r\n  INVITE\r\nVia  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw\r\n"
        "s :\r\nNewFangledHeader:   newfangled value\r\n continued newfangled value\r\n"
        "Content-Type: application/sdp\r\nRoute:\r\n"
        " <sip:services.example.com;lr;unknownwith=value;unknown-no-value>\r\n"
        "v:  SIP  / 2.0  / TCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ikj8  ,\r\n"
        " SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n z9hG4bK30239\r\n"
        'm:"Quoted string \\"\\"" <sip:jdrosen@example.com> ; newparam =\r\n      newvalue ;\r\n'
        "  secondparam ; q = 0.33\r\n\r\n"
    )
    assert (request.cseq, request.from_tag, request.to_tag) == (9, "98asjd8", "1918181833n")
    assert request.sender.display_name == 'J Rosenberg \\"'
    assert len(reply(request.message, 200, HERE).get_header_values("via")) == 3


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        ("SIP/2.0\r\nVia", "SIP/7.0\r\nVia", 505),
        ("sip:user@example.com SIP/2.0", "http://example.com SIP/2.0", 416),
        ("sip:user@example.com SIP/2.0", "<sip:user@example.com> SIP/2.0", 400),
        ("sip:user@example.com SIP/2.0", "sip:user@example.com; lr SIP/2.0", 400),
        ("8 OPTIONS", "8 INVITE", 400),
        ("8 OPTIONS", "36893488147419103232 OPTIONS", 400),
        ("8 OPTIONS", "-8 OPTIONS", 400),
        ("8 OPTIONS", "8", 400),
        ("Content-Length: 0", "Content-Length: -999", 400),
        ("Content-Length: 0", "Content-Length: 100", 400),
        ("Max-Forwards: 70", "Max-Forwards: 300", 400),
        ("Max-Forwards: 70", "Max-Forwards: many", 400),
        ("To: sip:user@example.com", 'To: "Mr. J. User <sip:j.user@example.com>', 400),
        ("To: sip:user@example.com", "To: sip:user@example.com\r\nTo: sip:other@example.com", 400),
        ("To: sip:user@example.com\r\n", "", 400),
    ],
)
def test_a_request_that_breaks_the_rules_is_refused_with_a_status(old: str, new: str, status: int) -> None:
    assert old in PLAIN
    with pytest.raises(Malformed) as caught:
        read(PLAIN.replace(old, new).encode(), HERE)
    assert caught.value.status == status
    assert caught.value.request is not None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Via: SIP/2.0/UDP host.example.com:5080;branch=z9hG4bKkdj;rport\r\n", ""),
        ("Via: SIP/2.0/UDP host.example.com:5080", "Via: SIP/7.0/UDP host.example.com:99999"),
        ("Call-ID: one@example\r\n", ""),
    ],
)
def test_what_cannot_be_answered_is_only_dropped(old: str, new: str) -> None:
    with pytest.raises(Malformed) as caught:
        read(PLAIN.replace(old, new).encode(), HERE)
    assert caught.value.request is None


def test_a_response_tells_how_its_request_was_seen() -> None:
    via = reply(parsed(PLAIN).message, 200, HERE).get_header_values("via")[0]
    assert via == "SIP/2.0/UDP host.example.com:5080;branch=z9hG4bKkdj;rport=5060;received=192.0.2.7"


@given(st.binary(max_size=600))
def test_random_octets_are_a_message_or_malformed(data: bytes) -> None:
    for text in (data, PLAIN.encode()[: len(data)] + data):
        with contextlib.suppress(Malformed):
            read(text, HERE)


@given(st.text(max_size=60))
def test_a_name_never_breaks_out_of_its_header(name: str) -> None:
    value = f"{quoted(name)} <sip:1@example.com>;tag=a"
    assert "\r" not in value
    assert "\n" not in value
    read_back = address(value)
    assert read_back.tag == "a"
    assert read_back.uri.host == "example.com"


@given(st.text(max_size=60))
def test_a_user_part_never_breaks_out_of_its_uri(user: str) -> None:
    try:
        escaped = uri_user(user)
    except UnicodeEncodeError:
        return
    assert address(f"<sip:{escaped}@example.com>").uri.host == "example.com"
    assert user_of(address(f"<sip:+98{escaped}@example.com>").uri).startswith("+98")
