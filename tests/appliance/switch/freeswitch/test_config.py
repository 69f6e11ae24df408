"""The configuration that is rendered: what is in it, what is not, and that no value becomes anything but text."""

import hashlib
import stat
import threading
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.config import Settings
from appliance.switch.freeswitch.binary import Installed
from appliance.switch.freeswitch.config import (
    OPTIONAL_MODULES,
    REALM,
    REQUIRED_MODULES,
    put_music,
    put_sounds,
    render,
    split_host,
    texts,
)
from appliance.switch.freeswitch.guard import Barred
from appliance.switch.freeswitch.refusals import ConfigOfSomebodyElse, NotRenderable
from appliance.switch.freeswitch.secrets import Secrets, load_secrets
from appliance.switch.freeswitch.xml_text import quoted
from appliance.switch.port import PhoneAccount, Standby, SwitchConfig, TrunkAccount

SECRETS = Secrets("the-password", 18021, 18084)
BARE = Installed(Path("/x/freeswitch"), (1, 10, 12), "1.10.12", Path("/x/mod"), frozenset(REQUIRED_MODULES))
FULL = Installed(
    Path("/x/freeswitch"), (1, 10, 12), "1.10.12", Path("/x/mod"), frozenset(REQUIRED_MODULES + OPTIONAL_MODULES)
)
CONFIG = SwitchConfig(
    phones=[PhoneAccount("101", "secret-101"), PhoneAccount("102", "secret-102")],
    trunks=[
        TrunkAccount("lan", "peer", "10.9.0.0/16"),
        TrunkAccount("main", "peer", "192.0.2.7:5090"),
        TrunkAccount("carrier", "register", "sip.example.net", username="acct", password="pa$$word"),
    ],
    standby=[Standby("acme", ["+982188001122"], ["101", "102"], 20, 120)],
)


@pytest.fixture
def office(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, bind="192.0.2.1", sip_port=5062)


def rendered(office: Settings, config: SwitchConfig = CONFIG, installed: Installed = BARE) -> dict[str, str]:
    return texts(office, config, SECRETS, installed=installed, resolve=lambda _name: ["198.51.100.5"])


def whole(files: dict[str, str]) -> ElementTree.Element:
    """All files as one tree."""
    body = "".join(text.partition("?>")[2] if text.startswith("<?xml") else text for text in files.values())
    return ElementTree.fromstring(f"<all>{body}</all>")


def parameters(files: dict[str, str], name: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in ElementTree.fromstring(f"<i>{files[name]}</i>").iter("param"):
        found.setdefault(one.attrib["name"], []).append(one.attrib["value"])
    return found


def test_every_file_is_xml(office):
    for name, text in rendered(office, installed=FULL).items():
        body = text.partition("?>")[2] if text.startswith("<?xml") else text
        ElementTree.fromstring(f"<i>{body}</i>"), name


def test_who_is_barred_is_refused_with_any_password_and_nobody_else(office):
    barred = Barred(frozenset({"203.0.113.9"}), frozenset({"101"}))
    files = texts(office, CONFIG, SECRETS, installed=BARE, resolve=lambda _name: [], barred=barred)
    lists = ElementTree.fromstring(files["autoload_configs/acl.conf.xml"]).iter("list")
    denied = next(one for one in lists if one.attrib["name"] == "not-barred")

    assert (denied.attrib["default"], [node.attrib for node in denied]) == (
        "allow",
        [{"type": "deny", "cidr": "203.0.113.9/32"}],
    )
    assert parameters(files, "directory/101.xml") == {"auth-acl": ["not-barred"], "allow-empty-password": ["false"]}
    assert parameters(files, "directory/102.xml")["auth-acl"] == ["not-barred"]
    assert "a1-hash" in parameters(files, "directory/102.xml")


def test_nobody_gets_in_without_a_password_or_a_known_address(office):
    profile = parameters(rendered(office), "sip_profiles/office.xml")
    assert profile["auth-calls"] == ["true"]
    assert profile["accept-blind-auth"] == profile["accept-blind-reg"] == ["false"]
    assert profile["context"] == ["phones"]
    assert set(profile["apply-inbound-acl"]) == {"trunk-lan:public", "trunk-main:public", "trunk-carrier:public"}
    assert profile["use-port-for-acl-check"] == ["true"]


def test_the_trunk_that_names_its_port_is_asked_for_first_and_a_network_last(office):
    profile = parameters(rendered(office), "sip_profiles/office.xml")
    assert profile["apply-inbound-acl"] == ["trunk-main:public", "trunk-carrier:public", "trunk-lan:public"]


def test_every_list_denies_by_default(office):
    lists = whole({"a": rendered(office)["autoload_configs/acl.conf.xml"]}).iter("list")
    seen = {one.attrib["name"]: [dict(node.attrib) for node in one] for one in lists if one.attrib["default"] == "deny"}
    assert seen == {
        "this-machine": [{"type": "allow", "cidr": "127.0.0.1/32"}],
        "trunk-main": [{"type": "allow", "cidr": "192.0.2.7/32", "port": "5090"}],
        "trunk-carrier": [{"type": "allow", "cidr": "198.51.100.5/32"}],
        "trunk-lan": [{"type": "allow", "cidr": "10.9.0.0/16"}],
    }


def test_a_trunk_whose_name_cannot_be_found_lets_nobody_in(office):
    files = texts(office, CONFIG, SECRETS, installed=BARE, resolve=lambda _name: [])
    lists = {one.attrib["name"]: list(one) for one in whole(files).iter("list")}
    assert lists["trunk-carrier"] == []


def test_the_event_socket_is_for_this_machine_alone(office):
    params = parameters(rendered(office), "autoload_configs/event_socket.conf.xml")
    assert params["listen-ip"] == ["127.0.0.1"]
    assert params["apply-inbound-acl"] == ["this-machine"]
    assert params["password"] == ["the-password"]


def test_no_phones_password_is_in_any_file(office):
    everything = "".join(rendered(office).values())
    assert "secret-101" not in everything
    assert hashlib.md5(f"101:{REALM}:secret-101".encode()).hexdigest() in everything


def test_there_is_no_demo_user_and_no_default_password(office):
    files = rendered(office)
    assert {user.attrib["id"] for user in whole(files).iter("user")} == {"101", "102"}
    everything = "".join(files.values())
    assert "ClueCon" not in everything
    assert "1234" not in everything


def test_every_user_has_a_hash_since_one_without_would_be_let_in(office):
    for user in whole(rendered(office)).iter("user"):
        params = {p.attrib["name"]: p.attrib["value"] for p in user.iter("param")}
        assert len(params["a1-hash"]) == 32
        assert params["allow-empty-password"] == "false"


def test_only_what_is_installed_is_loaded(office):
    def loaded(installed: Installed) -> list[str]:
        return [m.attrib["module"] for m in whole(rendered(office, installed=installed)).iter("load")]

    assert set(loaded(BARE)) == set(REQUIRED_MODULES)
    assert set(loaded(FULL)) == {*REQUIRED_MODULES, *OPTIONAL_MODULES}
    assert loaded(FULL)[-1] == "mod_sofia", "codecs are there before the first call"


def test_wide_codecs_are_offered_where_they_are_installed(office):
    narrow = parameters(rendered(office), "sip_profiles/office.xml")
    wide = parameters(rendered(office, installed=FULL), "sip_profiles/office.xml")
    assert narrow["inbound-codec-prefs"] == ["PCMU,PCMA"]
    assert wide["inbound-codec-prefs"] == ["PCMU,PCMA,G722,OPUS"]


def test_a_network_of_devices_is_no_gateway(office):
    assert {g.attrib["name"] for g in whole(rendered(office)).iter("gateway")} == {"main", "carrier"}


def test_every_call_has_a_watchdog_before_it_is_handed_to_core(office):
    for context in ("public", "phones", "transfers"):
        tree = ElementTree.fromstring(f"<i>{rendered(office)[f'dialplan/{context}.xml']}</i>")
        actions = [(a.attrib["application"], a.attrib.get("data", "")) for a in tree.iter("action")]
        names = [name for name, _data in actions]
        at = names.index("socket")
        assert "sched_transfer" in names[:at]
        assert actions[at] == ("socket", "127.0.0.1:18084 async full")
        assert actions[at + 1] == ("transfer", "standby XML standby")


@pytest.mark.parametrize(
    ("dialled", "is_ours"),
    [
        ("+982188001122", True),
        ("982188001122", True),
        ("00982188001122", True),
        ("02188001122", True),
        ("2188001122", True),
        ("88001122", False),
        ("+9821880011223", False),
        ("12188001122", False),
    ],
)
def test_the_standby_knows_a_number_in_every_form_carriers_write(office, dialled, is_ours):
    import re

    tree = ElementTree.fromstring(f"<i>{rendered(office)['dialplan/standby.xml']}</i>")
    one = next(e for e in tree.iter("extension") if e.attrib["name"] == "business-acme")
    pattern = next(one.iter("condition")).attrib["expression"]
    assert bool(re.match(pattern, dialled)) is is_ours


HOSTILE = [
    "A & B",
    "<b>",
    'say "hi"',
    "it's",
    "${system(rm -rf /)}",
    "$${base_dir}",
    "$1",
    "آقای کریمی",
    "a\nb\tc\x00\x1b",
    "-->",
    "]]>",
    '<X-PRE-PROCESS cmd="exec" data="id"/>',
    "<!--#exec cmd -->",
    "{{ 7*7 }}",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_value_becomes_anything_but_text(office, text):
    config = SwitchConfig(
        phones=[PhoneAccount("101", text, name=text)],
        trunks=[TrunkAccount("main", "register", "192.0.2.7", username=text, password=text)],
    )
    files = rendered(office, config)
    plain = rendered(
        office,
        SwitchConfig(
            phones=[PhoneAccount("101", "p")],
            trunks=[TrunkAccount("main", "register", "192.0.2.7", username="u", password="p")],
        ),
    )
    names = [element.tag for element in whole(files).iter()]
    added = [tag for tag in names if tag not in {e.tag for e in whole(plain).iter()}]
    assert not added
    gateway = parameters(files, "sip_profiles/office/main.xml")
    kept = "".join(c for c in text.replace("\n", " ").replace("\t", " ") if c.isprintable())
    assert gateway["password"] == [kept]
    raw = files["sip_profiles/office/main.xml"]
    assert "${" not in raw, "FreeSWITCH would expand it"
    assert raw.lower().count("x-pre-process") == raw.lower().count("&lt;x-pre-process")


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text_is_well_formed_and_holds_no_expansion(text):
    raw = str(quoted(text))
    read = ElementTree.fromstring(f'<a b="{raw}"/>').attrib["b"]
    assert "$" not in raw
    assert "\n" not in raw
    assert read == "".join(" " if c in "\t\r\n" else c for c in text if c in "\t\r\n" or _is_allowed(c))


def _is_allowed(char: str) -> bool:
    code = ord(char)
    return not (code < 32 or 127 <= code < 160 or 0xD800 <= code < 0xE000 or char in "\ufffe\uffff")


@pytest.mark.parametrize(
    "config",
    [
        SwitchConfig(trunks=[TrunkAccount("../../etc", "peer", "192.0.2.7")]),
        SwitchConfig(trunks=[TrunkAccount('a"b', "peer", "192.0.2.7")]),
        SwitchConfig(phones=[PhoneAccount("../101", "p")]),
        SwitchConfig(phones=[PhoneAccount("${x}", "p")]),
        SwitchConfig(standby=[Standby("../x", ["+982188001122"])]),
    ],
)
def test_a_name_that_is_none_is_refused(office, config):
    with pytest.raises(NotRenderable):
        rendered(office, config)


@pytest.mark.parametrize(
    ("host", "parts"),
    [
        ("sip.example.net", ("sip.example.net", 0)),
        ("192.0.2.7:5090", ("192.0.2.7", 5090)),
        ("[2001:db8::1]:5090", ("2001:db8::1", 5090)),
        ("2001:db8::1", ("2001:db8::1", 0)),
    ],
)
def test_a_host_is_read(host, parts):
    assert split_host(host) == parts


# --- files ---


def test_a_second_render_touches_nothing(office):
    first = render(office, CONFIG, SECRETS, installed=BARE, resolve=lambda _n: [])
    assert "freeswitch.xml" in first.written
    before = {p: p.stat().st_mtime_ns for p in (office.home / "freeswitch" / "conf").rglob("*.xml")}
    assert not render(office, CONFIG, SECRETS, installed=BARE, resolve=lambda _n: [])
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_a_render_tells_what_changed(office):
    render(office, CONFIG, SECRETS, installed=BARE, resolve=lambda _n: [])
    changed = SwitchConfig(
        phones=CONFIG.phones[:1],
        trunks=[
            CONFIG.trunks[0],
            TrunkAccount("main", "peer", "192.0.2.8:5090"),
            TrunkAccount("new", "peer", "x.test"),
        ],
        standby=CONFIG.standby,
    )
    changes = render(office, changed, SECRETS, installed=BARE, resolve=lambda _n: [])
    assert changes.removed == ("directory/102.xml", "sip_profiles/office/carrier.xml")
    assert changes.gateways_to_drop == ("carrier", "main")
    assert "sip_profiles/office/new.xml" in changes.written
    assert "directory/101.xml" not in changes.written


def test_a_reader_never_sees_half_a_file(office):
    render(office, CONFIG, SECRETS, installed=BARE, resolve=lambda _n: [])
    path = office.home / "freeswitch" / "conf" / "autoload_configs" / "acl.conf.xml"
    over, broken = threading.Event(), []

    def read() -> None:
        while not over.is_set():
            try:
                ElementTree.fromstring(path.read_text(encoding="utf-8"))
            except ElementTree.ParseError as error:
                broken.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for count in range(30):
            trunks = [TrunkAccount(f"t{n}", "peer", f"192.0.2.{n + 1}") for n in range(count)]
            render(office, SwitchConfig(trunks=trunks), SECRETS, installed=BARE)
    finally:
        over.set()
        reader.join()
    assert not broken


def test_what_is_secret_is_readable_by_its_owner_alone(office):
    render(office, CONFIG, load_secrets(office), installed=BARE, resolve=lambda _n: [])
    root = office.home / "freeswitch"
    files = [p for p in root.rglob("*") if p.is_file() and p.suffix != ".wav"]
    assert files
    assert [p for p in files if stat.S_IMODE(p.stat().st_mode) & 0o077] == []


def test_the_secrets_are_made_once(office):
    first = load_secrets(office)
    assert load_secrets(office) == first
    assert len(first.event_socket_password) >= 32
    assert first.event_socket_port != first.core_port
    assert first.event_socket_password not in repr(first)


def test_a_configuration_of_somebody_else_is_left_alone(office):
    conf = office.home / "freeswitch" / "conf"
    conf.mkdir(parents=True)
    (conf / "freeswitch.xml").write_text("<document/>", encoding="utf-8")
    with pytest.raises(ConfigOfSomebodyElse):
        render(office, CONFIG, SECRETS, installed=BARE, resolve=lambda _n: [])
    assert (conf / "freeswitch.xml").read_text(encoding="utf-8") == "<document/>"


def test_a_render_that_was_cut_short_can_be_done_again(office):
    render(office, CONFIG, SECRETS, installed=BARE, resolve=lambda _n: [])
    (office.home / "freeswitch" / "conf" / "freeswitch.xml").unlink()
    assert render(office, CONFIG, SECRETS, installed=BARE, resolve=lambda _n: []).written == ("freeswitch.xml",)


def test_music_and_sounds_are_swapped_without_a_new_configuration(office, tmp_path):
    render(office, CONFIG, SECRETS, installed=BARE, resolve=lambda _n: [])
    sound = tmp_path / "sound.wav"
    sound.write_bytes(b"RIFF")
    assert put_music(office, sound)
    assert not put_music(office, sound)
    put_sounds(office, "acme", {"leave_message": sound, "../../evil": sound})
    folder = office.home / "freeswitch" / "sounds"
    assert (folder / "music" / "music.wav").resolve() == sound.resolve()
    assert [p.name for p in (folder / "standby" / "acme").iterdir()] == ["leave_message.wav"]
