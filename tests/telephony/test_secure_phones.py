"""Phones over TLS with SRTP: a real one registers and is heard; what is not encrypted enough is refused."""

import asyncio
import ssl
from pathlib import Path

import pytest

from tests.peers import tones
from tests.peers.baresip import is_installed
from tests.peers.bench import CALLER_NUMBER, NUMBER, Bench
from tests.peers.office import Office
from tests.peers.softphone import Softphone
from tests.peers.stories import let_pass, next_call_works, wait_hears
from tests.peers.waiting import free_port

pytestmark = pytest.mark.telephony


@pytest.fixture(autouse=True)
def has_tls(engine: str) -> None:
    if engine == "builtin":
        pytest.skip("the built-in engine has no TLS, no SRTP and no wideband codec")
    if not is_installed():
        pytest.skip("baresip is not installed")


async def scene(bench: Bench, *, srtp: str = "optional") -> tuple[Softphone, Office, int, Path]:
    trunk, port = await bench.trunk(), free_port()
    env = {"FRONTDESK_SIP_TLS_PORT": str(port), "FRONTDESK_SRTP": srtp}
    office = await bench.office(trunk, agents=("101", "102"), env=env)
    return trunk, office, port, office.home / "freeswitch" / "certs" / "cafile.pem"


@pytest.mark.parametrize("srtp", ["optional", "required"])
async def test_a_phone_over_tls_with_srtp_talks_and_is_recorded(bench: Bench, srtp: str):
    trunk, office, port, ca = await scene(bench, srtp=srtp)
    phone = await bench.baresip("101", office_port=port, transport="tls", ca=ca, encrypts="srtp-mand", auto=True)
    await phone.wait_registered()
    caller = await (await trunk.call(NUMBER, shows=CALLER_NUMBER)).wait_answered()
    await wait_hears(caller, tones.AGENT, timeout=15)
    await let_pass(2.0)
    await caller.hang_up()
    call = await office.wait_ended()
    sound = tones.read_wav(await office.recording(call))

    assert phone.heard().count(tones.CALLER) * 0.02 > 1.0
    assert tones.labels(sound.channels[0]).count(tones.CALLER) * 0.02 > 1.5
    assert tones.labels(sound.channels[1]).count(tones.AGENT) * 0.02 > 1.5


async def test_a_phone_over_tls_without_srtp_talks_where_it_is_optional(bench: Bench):
    trunk, _office, port, ca = await scene(bench)
    phone = await bench.baresip("101", office_port=port, transport="tls", ca=ca, auto=True)
    await phone.wait_registered()
    caller = await (await trunk.call(NUMBER, shows=CALLER_NUMBER)).wait_answered()
    await wait_hears(caller, tones.AGENT, timeout=15)
    await caller.hang_up()


async def test_a_phone_over_udp_goes_on_as_before(bench: Bench):
    trunk, office, _port, _ca = await scene(bench)
    await next_call_works(trunk, await bench.phone("101"), office)


async def test_where_encryption_is_required_a_plain_call_is_refused(bench: Bench):
    _trunk, office, _port, _ca = await scene(bench, srtp="required")
    phone = await bench.phone("101")
    call = await phone.call("102")
    assert await call.wait_ended() == "488"
    assert await office.calls() == []


async def test_a_secure_phone_calls_a_colleague(bench: Bench):
    _trunk, _office, port, ca = await scene(bench)
    phone = await bench.baresip("101", office_port=port, transport="tls", ca=ca, encrypts="srtp-mand")
    await phone.wait_registered()
    colleague = await bench.phone("102")
    await phone.command("dial", f"sip:102@127.0.0.1:{port};transport=tls")
    rings = await colleague.incoming(10)
    await rings.answer()
    await wait_hears(rings, tones.AGENT, timeout=10)
    await rings.hang_up()


async def test_who_trusts_other_authorities_does_not_take_the_box_for_what_it_says(bench: Bench):
    _trunk, _office, port, ca = await scene(bench)
    with pytest.raises(ssl.SSLCertVerificationError):
        await asyncio.open_connection("127.0.0.1", port, ssl=ssl.create_default_context())
    _reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=ssl.create_default_context(cafile=str(ca)), server_hostname="127.0.0.1"
    )
    writer.close()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
@pytest.mark.parametrize(
    ("version", "is_spoken"),
    [(ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)],
)
async def test_only_todays_versions_of_tls_are_spoken(bench: Bench, version: ssl.TLSVersion, is_spoken: bool):
    _trunk, _office, port, ca = await scene(bench)
    context = ssl.create_default_context(cafile=str(ca))
    context.minimum_version = context.maximum_version = version
    if not is_spoken:
        context.set_ciphers("ALL:@SECLEVEL=0")
    try:
        _reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        spoken = writer.get_extra_info("ssl_object").version()
        writer.close()
    except (ssl.SSLError, ConnectionError):
        spoken = ""
    assert bool(spoken) == is_spoken


async def test_the_keys_are_this_users_alone(bench: Bench):
    _trunk, office, _port, ca = await scene(bench)
    modes = {path.name: path.stat().st_mode & 0o777 for path in ca.parent.iterdir()}
    assert modes["ca.key"] == modes["agent.pem"] == 0o600
    assert await office.is_well()


async def test_a_wideband_phone_talks_with_a_caller_of_the_old_network(bench: Bench):
    trunk, office, _port, _ca = await scene(bench)
    phone = await bench.baresip("101", auto=True, codecs="g722")
    await phone.wait_registered()
    caller = await (await trunk.call(NUMBER, shows=CALLER_NUMBER)).wait_answered()
    await wait_hears(caller, tones.AGENT, timeout=15)
    await let_pass(1.0)
    await caller.hang_up()
    call = await office.wait_ended()
    assert call["state"] == "answered"
    assert phone.heard().count(tones.CALLER) * 0.02 > 0.5
