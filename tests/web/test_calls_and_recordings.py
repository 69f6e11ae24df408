"""The calls, their stories, their recordings, and the wall."""

import pytest


def _audit(house, action: str) -> int:
    return int(house.db.execute("SELECT COUNT(*) FROM audit_log WHERE action = ?", [action]).fetchone()[0])


def test_the_list_shows_live_calls_on_top_and_past_ones_below(ana, a_call, core_up):
    a_call("answered")
    a_call("ringing", caller="+982177665544")
    text = ana.get("/calls/").text
    live, past = text.index('id="live-calls"'), text.index('id="past-calls"')
    assert live < text.index("+98 21 7766 5544") < past < text.index("+98 912 123 4567")


def test_live_calls_are_not_shown_as_fresh_when_the_core_is_away(ana, a_call):
    text = ana.get("/calls/").text
    assert "The office has not started to answer calls yet." in text
    assert "Not known: the office is not answering at the moment." in text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state=missed", {"m"}),
        ("business_id=clinic", {"c"}),
        ("search=0912", {"a", "m"}),
        ("search=۰۹۱۲", {"a", "m"}),
        ("search=555", {"c"}),
        ("agent_id=cleo", {"c"}),
        ("day=2001-01-01&until=2001-01-02", set()),
        ("state=nonsense", {"a", "m", "c"}),
        ("day=nonsense", {"a", "m", "c"}),
    ],
)
def test_filters_narrow_the_list(ana, a_call, query, found):
    ids = {
        "a": a_call("answered"),
        "m": a_call("missed"),
        "c": a_call("answered", business="clinic", agent="cleo", caller="+982155500000"),
    }
    text = ana.get(f"/calls/?{query}").text
    assert {name for name, call_id in ids.items() if call_id in text} == found


def test_paging_shows_every_call_once(ana, a_call):
    ids = {a_call("missed", caller=f"+98912000{n:04d}") for n in range(55)}
    first = ana.get("/calls/").text
    following = first.partition('href="/calls/?before=')[2].partition('"')[0]
    second = ana.get("/calls/?before=" + following.replace("&amp;", "&")).text
    on_first, on_second = {i for i in ids if i in first}, {i for i in ids if i in second}
    assert on_first | on_second == ids
    assert not on_first & on_second


def test_a_bad_cursor_is_refused(ana):
    assert ana.get("/calls/?before=nonsense").status_code == 422


def test_the_story_of_a_call_is_told_in_words(ana, a_call):
    text = ana.get(f"/calls/{a_call('answered')}").text
    for words in (
        "Call from",
        "The greeting was played",
        "Ben Berg’s phone rang",
        "Ben Berg answered",
        "Ended: the caller hung up",
    ):
        assert words in text


def test_a_missed_call_says_where_the_caller_gave_up(ana, a_call):
    text = ana.get(f"/calls/{a_call('missed')}").text
    assert "gave up while waiting for an agent" in text


def test_agent_sees_the_calls_of_their_businesses_alone(ben, cleo, a_call, a_recording):
    call_id = a_call("answered")
    recording_id = a_recording(call_id)
    assert call_id in ben.get("/calls/").text
    assert ben.get(f"/calls/{call_id}").status_code == 200
    assert ben.get(f"/recordings/{recording_id}.wav").status_code == 200
    assert call_id not in cleo.get("/calls/").text
    assert cleo.get(f"/calls/{call_id}").status_code == 404
    assert cleo.get(f"/recordings/{recording_id}.wav").status_code == 404
    assert call_id not in cleo.get("/calls/?business_id=bakery").text


def test_an_owner_limited_to_a_business_sees_it_alone(house, ana, a_call):
    from appliance.accounts import service as accounts
    from appliance.store import transaction

    with transaction(house.db) as db:
        accounts.create_user(
            db, login="eva", name="Eva", role="owner", password="correct horse battery", businesses=["clinic"]
        )
    eva, call_id = house.signed_in("eva"), a_call("answered")
    assert eva.get(f"/calls/{call_id}").status_code == 404
    assert eva.get("/settings/businesses/bakery").status_code == 404
    assert eva.get("/settings/businesses/clinic").status_code == 200
    assert eva.get("/settings/agents/ben").status_code == 404
    for address in ("/settings/people", "/settings/mail", "/settings/lines/", "/settings/tokens", "/settings/office"):
        assert eva.get(address).status_code == 403, address
    assert "Ana" not in eva.get("/settings/audit").text


# --- recordings ---


def test_a_recording_is_given_whole_and_the_playing_is_written_down(house, ana, a_call, a_recording):
    recording_id = a_recording(a_call("answered"))
    answer = ana.get(f"/recordings/{recording_id}.wav")
    assert answer.status_code == 200
    assert answer.mimetype == "audio/wav"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.data[:4] == b"RIFF"
    assert _audit(house, "recording.play") == 1


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [("bytes=0-99", 0, 99), ("bytes=1000-1999", 1000, 1999), ("bytes=-10", None, None), ("bytes=100-", 100, None)],
)
def test_a_recording_is_given_in_parts(ana, a_call, a_recording, wanted, first, last):
    address = f"/recordings/{a_recording(a_call('answered'))}.wav"
    whole = ana.get(address).data
    answer = ana.get(address, headers={"Range": wanted})
    assert answer.status_code == 206
    first = len(whole) - 10 if first is None else first
    last = len(whole) - 1 if last is None else last
    assert answer.data == whole[first : last + 1]
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(whole)}"


def test_a_part_beyond_the_end_is_refused(ana, a_call, a_recording):
    address = f"/recordings/{a_recording(a_call('answered'))}.wav"
    assert ana.get(address, headers={"Range": "bytes=99999999-"}).status_code == 416


def test_seeking_is_no_new_playing(house, ana, a_call, a_recording):
    address = f"/recordings/{a_recording(a_call('answered'))}.wav"
    ana.get(address, headers={"Range": "bytes=0-"})
    ana.get(address, headers={"Range": "bytes=5000-"})
    assert _audit(house, "recording.play") == 1


def test_a_download_is_written_down_as_one(house, ana, a_call, a_recording):
    answer = ana.get(f"/recordings/{a_recording(a_call('answered'))}.wav?download=1")
    assert "attachment" in answer.headers["Content-Disposition"]
    assert _audit(house, "recording.download") == 1


def test_a_recording_whose_file_is_gone_says_so(house, ana, a_call, a_recording):
    recording_id = a_recording(a_call("answered"))
    (house.settings.recordings / f"{recording_id}.wav").unlink()
    assert ana.get(f"/recordings/{recording_id}.wav").status_code == 404


def test_an_empty_office_says_what_will_stand_there(ana):
    assert "No call yet." in ana.get("/calls/").text
    assert "Nothing to do." in ana.get("/messages/").text


# --- contacts ---


def test_a_named_caller_is_shown_by_name(ana, a_call):
    call_id = a_call("answered")
    ana.send("/contacts/save", business_id="bakery", number="+989121234567", name="Dov Adler", back=f"/calls/{call_id}")
    assert "Dov Adler" in ana.get("/calls/").text
    assert "Dov Adler" in ana.get("/contacts/").text


def test_a_contact_is_kept_behind_the_wall(house, ana, ben, cleo):
    ana.send("/contacts/save", business_id="bakery", number="+989121234567", name="Dov Adler")
    contact_id = house.db.execute("SELECT contact_id FROM contacts").fetchone()[0]
    assert ben.get(f"/contacts/{contact_id}").status_code == 200
    assert _audit(house, "contact.view") == 1
    assert cleo.get(f"/contacts/{contact_id}").status_code == 404
    assert "Dov" not in cleo.get("/contacts/").text
    assert cleo.send("/contacts/save", business_id="bakery", number="+989121234567", name="Mine").status_code == 404
    assert cleo.send("/contacts/block", business_id="bakery", number="+989121234567", blocked="1").status_code == 404


def test_a_caller_can_be_blocked_and_let_through_again(house, ana):
    for _twice in range(2):
        ana.send("/contacts/block", business_id="bakery", number="+989121234567", blocked="1")
    assert house.db.execute("SELECT is_blocked FROM contacts").fetchone()[0] == 1
    ana.send("/contacts/block", business_id="bakery", number="+989121234567", blocked="0")
    assert house.db.execute("SELECT is_blocked FROM contacts").fetchone()[0] == 0


def test_a_hidden_number_cannot_be_blocked(ana):
    assert ana.send("/contacts/block", business_id="bakery", number="", blocked="1").status_code == 422


@pytest.mark.parametrize("wanted", ["bytes=1-", "bytes=-1000", "bytes=44-"])
def test_who_asks_for_the_later_part_alone_is_written_down_too(house, ben, a_call, a_recording, wanted):
    address = f"/recordings/{a_recording(a_call('answered'))}.wav"
    for _part in range(3):
        assert ben.get(address, headers={"Range": wanted}).status_code == 206
    assert _audit(house, "recording.play") == 1
