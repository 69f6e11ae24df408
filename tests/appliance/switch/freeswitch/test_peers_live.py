"""Phones and trunks that people really use (baresip, SIPp) against a real FreeSWITCH with our configuration."""

import contextlib
from collections.abc import Iterator

import pytest

from tests.appliance.switch.freeswitch.real_freeswitch import RealOffice, in_a_loop, real_office, until, why_not
from tests.peers import baresip, sipp, tones
from tests.peers.baresip import Baresip
from tests.peers.sipp import Sipp


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealOffice]:
    if reason := why_not():
        pytest.skip(reason)
    if not (baresip.is_installed() and sipp.is_installed()):
        pytest.skip("baresip and sipp are not both installed")
    with real_office(tmp_path_factory.mktemp("office")) as running:
        yield running


@contextlib.asynccontextmanager
async def baresip_phone(office: RealOffice, folder, password: str = "right-101", **more: object):
    peer = await Baresip.start(
        folder, "101", password, office_port=office.settings.sip_port, tone=tones.AGENT, auto=True, **more
    )
    try:
        yield peer
    finally:
        await peer.stop()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_baresip_registers_and_takes_a_call_that_no_core_carries(office, tmp_path, transport):
    @in_a_loop
    async def story() -> None:
        async with baresip_phone(office, tmp_path / "phone", transport=transport) as agent:
            await agent.wait_registered()
            caller = await Sipp.start(
                tmp_path,
                "caller",
                office_port=office.settings.sip_port,
                port=office.trunk_port,
                keys={"number": "+982188001122", "shows": "+989121234567", "talk_ms": "2000"},
            )
            try:
                await agent.wait("CALL_ESTABLISHED")
                result = await caller.result()
            finally:
                await caller.stop()
            assert (result.status, result.successful) == (0, 1), result.errors
            assert tones.CALLER in agent.heard()

    story()


def test_baresip_with_a_wrong_password_does_not_register(office, tmp_path):
    @in_a_loop
    async def story() -> None:
        async with baresip_phone(office, tmp_path / "phone", password="wrong") as agent:
            await until(lambda: "SIP auth failure (REGISTER)" in office.log)
            assert not agent.had("REGISTER_OK")

    story()
