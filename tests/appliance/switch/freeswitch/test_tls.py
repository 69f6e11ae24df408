"""The box's certificate: for whom, until when, made anew when that no longer fits."""

import asyncio
import datetime as dt
import json
import ssl
from pathlib import Path

import pytest

from appliance import clock
from appliance.config import Settings
from appliance.switch.freeswitch import certificates, tls
from appliance.switch.freeswitch.places import Places
from appliance.switch.freeswitch.refusals import NoCertificate


def office(home: Path, **more) -> Settings:
    return Settings(home=home, bind="127.0.0.1", sip_tls_port=5061, **more)


def ensure(settings: Settings) -> bool:
    return asyncio.run(tls.ensure(settings))


def test_it_is_made_once(tmp_path):
    assert ensure(office(tmp_path))
    assert not ensure(office(tmp_path))


def test_without_a_port_for_tls_none_is_made(tmp_path):
    assert not ensure(Settings(home=tmp_path))
    assert not Places.of(Settings(home=tmp_path)).certs.exists()


def test_other_names_make_another_and_the_authority_stays(tmp_path):
    ensure(office(tmp_path))
    folder = Places.of(office(tmp_path)).certs
    authority, certificate = (folder / "cafile.pem").read_text(), (folder / "agent.pem").read_text()
    assert ensure(office(tmp_path, advertise="desk.example.com"))
    assert (folder / "cafile.pem").read_text() == authority
    assert (folder / "agent.pem").read_text() != certificate
    assert "desk.example.com" in json.loads((folder / "made.json").read_text())["names"]


def test_it_is_renewed_a_month_before_its_end(tmp_path):
    ensure(office(tmp_path))
    later = clock.now() + dt.timedelta(days=certificates.CERTIFICATE_DAYS - tls.RENEW_DAYS + 1)
    clock.use(lambda: later)
    folder, names = Places.of(office(tmp_path)).certs, tls.names_of(office(tmp_path))
    assert not tls.is_good(folder, names)
    certificates.make(folder, names)
    assert tls.is_good(folder, names)


@pytest.mark.parametrize("file", ["agent.pem", "made.json", "cafile.pem", "ca.key"])
def test_a_lost_or_broken_file_is_made_again(tmp_path, file):
    ensure(office(tmp_path))
    (Places.of(office(tmp_path)).certs / file).write_text("")
    assert ensure(office(tmp_path))
    context = ssl.create_default_context(cafile=str(Places.of(office(tmp_path)).certs / "cafile.pem"))
    assert len(context.get_ca_certs()) == 1


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "freeswitch").write_text("in the way")
    with pytest.raises(NoCertificate, match="cannot be made"):
        ensure(office(tmp_path))


@pytest.mark.parametrize("odd", ["a b", "ümlaut.example", "", "x;y", "-----BEGIN"])
def test_odd_names_are_left_out(tmp_path, odd):
    names = tls.names_of(office(tmp_path, advertise=odd))
    assert odd not in names
    assert "127.0.0.1" in names
