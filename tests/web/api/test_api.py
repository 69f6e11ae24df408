"""The API: what it answers, and that it is what its OpenAPI document says."""

import io
import json
import os
import sqlite3
import wave
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import jsonschema
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from openapi_spec_validator import validate

from appliance import clock
from appliance.accounts import service as accounts
from appliance.calls import service as calls
from appliance.store import transaction
from web.api.openapi import document
from web.api.routes import ROUTES

CALL_KEYS = (
    "id business direction caller agent state started_at answered_at ended_at wait_seconds talk_seconds hangup_cause"
    " recording phase"
)


def problem_of(response: Any) -> dict[str, Any]:
    assert response.content_type == "application/problem+json"
    found = json.loads(response.data)
    assert found["status"] == response.status_code
    schema = document()
    jsonschema.validate(found, {**schema["components"]["schemas"]["Problem"], "components": schema["components"]})
    return dict(found)


def is_as_documented(path: str, answer: Any, method: str = "get") -> None:
    schema = document()
    form = schema["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.Draft202012Validator({**form, "components": schema["components"]}).validate(answer)


# --- health ---


def test_healthz_needs_no_token_and_is_ok_while_the_core_beats(api, heart) -> None:
    answer = api.client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json["ok"] is True
    assert answer.json["engine"] == "builtin"
    assert answer.json["version"]
    is_as_documented("/healthz", answer.json)


def test_healthz_is_503_when_the_core_is_away_or_silent(api, db, heart) -> None:
    db.execute("UPDATE core_status SET seen_at = '2026-01-01T00:00:00.000Z'")
    stale = api.client.get("/healthz")
    assert (stale.status_code, stale.json["ok"], stale.json["core"]) == (503, False, "stale")
    db.execute("DELETE FROM core_status")
    away = api.client.get("/healthz")
    assert (away.status_code, away.json["ok"], away.json["core"]) == (503, False, "away")
    is_as_documented("/healthz", away.json)


def test_healthz_tells_of_a_store_that_is_gone_or_broken(api, db, settings, heart) -> None:
    db.conn.close()
    for name in ("office.db-wal", "office.db-shm"):
        (settings.home / name).unlink(missing_ok=True)
    settings.database.write_bytes(b"no database at all " * 300)
    broken = api.client.get("/healthz")
    assert (broken.status_code, broken.json["store"]) == (503, "unreadable")
    settings.database.unlink()
    gone = api.client.get("/healthz")
    assert (gone.status_code, gone.json["store"]) == (503, "missing")
    assert not settings.database.exists()


# --- tokens ---


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer nonsense", "Basic YTpi", "Bearer  "])
def test_without_a_token_nothing_is_told(api, authorization: str | None) -> None:
    headers = {"Authorization": authorization} if authorization is not None else {}
    for path in ("/api/v1/calls", "/api/v1/recordings/x", "/api/v1/nowhere"):
        answer = api.client.get(path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        problem_of(answer)


def test_a_revoked_token_opens_nothing(api, db) -> None:
    with transaction(db):
        accounts.revoke_token(db, accounts.list_tokens(db)[0].token_id)
    assert api.get("/api/v1/calls").status_code == 401


def test_the_use_of_a_token_is_noted_at_most_once_a_minute(api, db) -> None:
    api.get("/api/v1/calls")
    first = accounts.list_tokens(db)[0].used_at
    assert first
    api.get("/api/v1/calls")
    assert accounts.list_tokens(db)[0].used_at == first


def test_a_signed_in_browser_is_no_token(api) -> None:
    api.client.set_cookie("frontdesk_session_8080", "whatever")
    assert api.client.get("/api/v1/calls").status_code == 401


# --- businesses ---


def test_a_business_says_whether_it_is_open_and_why(api) -> None:
    answer = api.get("/api/v1/businesses").json
    is_as_documented("/api/v1/businesses", answer)
    assert [(b["id"], b["open"], b["reason"]) for b in answer["items"]] == [
        ("bakery", True, "always"),
        ("florist", True, "always"),
    ]
    one = api.get("/api/v1/businesses/bakery").json
    assert one == answer["items"][0]
    assert (one["holidays"], one["timezone"]) == ("IR", "Asia/Tehran")


def test_a_business_is_closed_and_opened_by_a_program(api) -> None:
    closed = api.send("POST", "/api/v1/businesses/bakery/close", {}).json
    is_as_documented("/api/v1/businesses/{business_id}/close", closed, "post")
    assert (closed["open"], closed["reason"], closed["closed_until"]) == (False, "switch", None)
    opened = api.send("POST", "/api/v1/businesses/bakery/open").json
    assert (opened["open"], opened["closed_since"]) == (True, None)


@pytest.mark.parametrize("until", ["soon", "2020-01-01T00:00:00Z", "2026-12-01T00:00:00", 7])
def test_closing_until_a_moment_that_cannot_be_is_refused(api, until: object) -> None:
    problem_of(api.send("POST", "/api/v1/businesses/bakery/close", {"until": until}))
    assert api.get("/api/v1/businesses/bakery").json["open"] is True


def test_hours_exceptions_and_holidays_are_changed_and_seen_in_the_calendar(api) -> None:
    body = {"hours": {"sat-thu": "09:00-18:00"}, "holidays": "IR", "exceptions": {"2026-03-23": "10:00-12:00; Visit"}}
    changed = api.send("PATCH", "/api/v1/businesses/bakery", body).json
    is_as_documented("/api/v1/businesses/{business_id}", changed, "patch")
    answer = api.get("/api/v1/businesses/bakery/calendar?first=2026-03-19&last=2026-03-23").json
    is_as_documented("/api/v1/businesses/{business_id}/calendar", answer)
    assert [(d["day"], d["hours"], d["reason"]) for d in answer["items"]] == [
        ("2026-03-19", "09:00-18:00", "week"),
        ("2026-03-20", "closed", "holiday"),
        ("2026-03-21", "closed", "holiday"),
        ("2026-03-22", "closed", "holiday"),
        ("2026-03-23", "10:00-12:00", "exception"),
    ]
    assert "Nowruz" in answer["items"][2]["note"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/api/v1/businesses/bakery", {"holidays": "XX"}),
        ("PATCH", "/api/v1/businesses/bakery", {"exceptions": {"soon": "closed"}}),
        ("PATCH", "/api/v1/businesses/bakery", {"hours": 7}),
        ("PATCH", "/api/v1/businesses/bakery", {"name": "Other"}),
        ("GET", "/api/v1/businesses/bakery/calendar?first=2026-03-19&last=2026-03-01", None),
        ("GET", "/api/v1/businesses/bakery/calendar?first=soon", None),
        ("GET", "/api/v1/businesses/nowhere", None),
        ("POST", "/api/v1/businesses/nowhere/close", {}),
    ],
)
def test_what_cannot_be_of_a_business_is_refused(api, method: str, path: str, body: object) -> None:
    answer = api.send(method, path, body)
    assert answer.status_code in (404, 422, 400)
    problem_of(answer)


MENUS = "/api/v1/businesses/{business_id}/menus"


def test_menus_are_made_changed_listed_and_removed_by_a_program(api) -> None:
    body = {"name": "Main", "text": "Press one.", "keys": {"1": "queue", "2": "person:101"}, "otherwise": "voicemail"}
    made = api.send("PUT", "/api/v1/businesses/bakery/menus/main", body).json
    is_as_documented(f"{MENUS}/{{menu_id}}", made, "put")
    assert made["keys"] == body["keys"]
    assert api.send("PUT", "/api/v1/businesses/bakery/menus/main", {"tries": 2}).json == {**made, "tries": 2}
    listed = api.get("/api/v1/businesses/bakery/menus").json
    is_as_documented(MENUS, listed)
    assert [m["id"] for m in listed["items"]] == ["main"]
    assert api.get("/api/v1/businesses/florist/menus").json["items"] == []
    left = api.send("DELETE", "/api/v1/businesses/bakery/menus/main").json
    is_as_documented(f"{MENUS}/{{menu_id}}", left, "delete")
    assert left["items"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"name": "Main", "text": "Press.", "keys": {"1": "menu:main"}},
        {"name": "Main", "text": "Press.", "keys": {"1": "person:999"}},
        {"name": "Main", "text": "Press.", "tries": True},
        {"name": "Main"},
        {"colour": "red"},
    ],
)
def test_a_menu_that_cannot_be_is_refused(api, body: dict[str, Any]) -> None:
    answer = api.send("PUT", "/api/v1/businesses/bakery/menus/main", body)
    assert answer.status_code in (400, 422)
    problem_of(answer)
    assert api.get("/api/v1/businesses/bakery/menus").json["items"] == []


def test_a_dry_run_is_told_step_by_step(api) -> None:
    api.send("PATCH", "/api/v1/businesses/bakery", {"hours": {"sat-thu": "09:00-18:00"}})
    answer = api.get("/api/v1/businesses/bakery/dry-run?at=2026-12-04T14:35:00Z&from=09121234567").json
    is_as_documented("/api/v1/businesses/{business_id}/dry-run", answer)
    assert (answer["open"], answer["reason"], answer["from"]) == (False, "week", "+989121234567")
    assert [s["kind"] for s in answer["steps"]] == ["closed", "voicemail"]
    problem_of(api.get("/api/v1/businesses/bakery/dry-run?at=soon"))


# --- calls ---


def test_a_call_has_exactly_the_promised_keys(api, a_call) -> None:
    call_id = a_call()
    answer = api.get("/api/v1/calls").json
    is_as_documented("/api/v1/calls", answer)
    [call] = answer["items"]
    assert sorted(call) == sorted(CALL_KEYS.split())
    assert call["id"] == call_id
    assert (call["business"], call["agent"], call["caller"]) == ("bakery", "sara", "+989121234567")
    assert (call["state"], call["hangup_cause"], call["recording"]) == ("answered", "normal", None)
    assert (call["wait_seconds"], call["talk_seconds"]) == (2.0, 5.0)
    assert answer["next"] is None


def test_a_call_comes_with_its_timeline(api, a_call) -> None:
    call_id = a_call()
    answer = api.get(f"/api/v1/calls/{call_id}").json
    is_as_documented("/api/v1/calls/{call_id}", answer)
    assert [e["kind"] for e in answer["timeline"]] == ["arrived", "answered", "ended"]
    assert answer["timeline"][1]["agent"] == "sara"


def test_pages_follow_each_other_to_the_last_call(api, a_call) -> None:
    made = [a_call() for _ in range(7)]
    seen: list[str] = []
    path = "/api/v1/calls?limit=3&business=bakery"
    while path:
        page = api.get(path).json
        is_as_documented("/api/v1/calls", page)
        assert len(page["items"]) <= 3
        seen += [c["id"] for c in page["items"]]
        path = page["next"]
        assert path is None or ("limit=3" in path and "business=bakery" in path)
    assert sorted(seen) == sorted(made)
    stamps = [api.get(f"/api/v1/calls/{i}").json["started_at"] for i in seen]
    assert stamps == sorted(stamps, reverse=True)


def test_calls_are_filtered_by_business_time_state_agent_and_number(api, db, a_call) -> None:
    old, new = a_call(), a_call("florist", "+4930123456", answered=False)
    db.execute("UPDATE calls SET started_at = '2026-01-05T20:29:59.000Z' WHERE call_id = ?", [old])
    db.execute("UPDATE calls SET started_at = '2026-01-05T20:30:00.000Z' WHERE call_id = ?", [new])

    def found(query: str) -> list[str]:
        return [c["id"] for c in api.get(f"/api/v1/calls?{query}").json["items"]]

    assert found("business=florist") == [new]
    assert found("since=2026-01-05T20:30:00Z") == [new]
    assert found("until=2026-01-05T20:30:00Z") == [old]
    assert found("since=2026-01-06") == [new]  # midnight in Tehran is 20:30 UTC
    assert found("since=2026-01-06T00:00:00+03:30") == [new]
    assert found("since=2026-01-06T00:00:00%2B03:30") == [new]
    assert found("state=missed") == [new]
    assert found("agent=sara") == [old]
    assert found("search=30123") == [new]
    assert found("state=live") == []


@pytest.mark.parametrize(
    "query",
    [
        "since=yesterday",
        "until=2026-13-01",
        "since=2026-01-01T00:00:00",
        "limit=0",
        "limit=201",
        "limit=x",
        "limit=99999999999999999999",
        "state=happy",
        "business=bakry",
        "before=nonsense",
        "bussiness=bakery",
        "since=0001-01-01T00:00:00%2B14:00",
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_can(api, query: str) -> None:
    answer = api.get(f"/api/v1/calls?{query}")
    assert answer.status_code == 400
    assert problem_of(answer)["detail"]


def test_a_call_without_a_business_and_number_is_told_so(api, a_call) -> None:
    a_call(None, "")
    [call] = api.get("/api/v1/calls").json["items"]
    assert (call["business"], call["caller"]) == (None, "")


# --- recordings ---


def test_a_recording_is_played_whole_and_in_parts_and_written_down(api, db, a_recording) -> None:
    call_id, recording_id = a_recording
    path = api.get(f"/api/v1/calls/{call_id}").json["recording"]
    assert path == f"/api/v1/recordings/{recording_id}"
    whole = api.get(path)
    assert (whole.status_code, whole.content_type) == (200, "audio/wav")
    with wave.open(io.BytesIO(whole.data)) as sound:
        assert sound.getnframes() == 8000
    part = api.get(path, Range="bytes=0-43")
    assert (part.status_code, len(part.data)) == (206, 44)
    assert part.data == whole.data[:44]
    assert part.headers["Content-Range"] == f"bytes 0-43/{len(whole.data)}"
    assert api.get(path, Range="bytes=-10").data == whole.data[-10:]
    [entry] = [e for e in accounts.list_audit(db)[0] if e.action == "recording.play"]
    assert (entry.actor, entry.object, entry.business_id) == ("token till", call_id, "bakery")


def test_a_range_beyond_the_end_is_416(api, a_recording) -> None:
    answer = api.get("/api/v1/recordings/rec_1", Range="bytes=9999999-")
    assert answer.status_code == 416
    problem_of(answer)


def test_a_recording_without_sound_or_file_is_not_offered(api, db, settings, a_recording) -> None:
    call_id, _recording = a_recording
    next(settings.recordings.rglob("*.wav")).unlink()
    assert api.get("/api/v1/recordings/rec_1").status_code == 404
    db.execute("UPDATE recordings SET state = 'empty'")
    assert api.get(f"/api/v1/calls/{call_id}").json["recording"] is None
    assert api.get("/api/v1/recordings/rec_1").status_code == 404
    assert api.get("/api/v1/recordings/..%2f..%2foffice.db").status_code == 404


# --- messages, agents, status ---


def test_messages_are_listed_done_and_opened_again(api, db, a_message) -> None:
    message_id = a_message()
    a_message("florist")
    page = api.get("/api/v1/messages?business=bakery").json
    is_as_documented("/api/v1/messages", page)
    [message] = page["items"]
    assert (message["id"], message["from_name"], message["taken_by"]) == (message_id, "Dov", "sara")
    assert message["mails"] == {"delivered": 0, "waiting": 1, "failed": 0}
    done = api.send("POST", f"/api/v1/messages/{message_id}/done")
    is_as_documented("/api/v1/messages/{message_id}/done", done.json, "post")
    assert done.json["done_at"]
    again = api.send("POST", f"/api/v1/messages/{message_id}/done")
    assert again.json["done_at"] == done.json["done_at"]
    assert [m["business"] for m in api.get("/api/v1/messages?state=open").json["items"]] == ["florist"]
    assert api.send("POST", f"/api/v1/messages/{message_id}/open").json["done_at"] is None
    assert api.send("POST", "/api/v1/messages/nothing/done").status_code == 404


def test_agents_come_with_status_and_state_and_take_a_status(api, db) -> None:
    page = api.get("/api/v1/agents").json
    is_as_documented("/api/v1/agents", page)
    [agent] = page["items"]
    assert (agent["id"], agent["status"], agent["state"]) == ("sara", "available", "offline")
    assert agent["serves"] == {"bakery": "shared"}
    assert "password" not in json.dumps(page)
    changed = api.send("PATCH", "/api/v1/agents/sara", {"status": "on_break", "reason": "lunch"})
    assert changed.status_code == 200, changed.data
    assert (changed.json["status"], changed.json["status_reason"]) == ("on_break", "lunch")
    assert api.get("/api/v1/agents?business=florist").json["items"] == []
    for body in (
        {"status": "asleep"},
        {"status": 5},
        {},
        {"state": "idle"},
        [],
        "x",
        {"status": "on_break", "reason": 1},
    ):
        answer = api.send("PATCH", "/api/v1/agents/sara", body)
        assert answer.status_code == 400, body
        problem_of(answer)
    assert api.send("PATCH", "/api/v1/agents/nobody", {"status": "on_break"}).status_code == 404


def test_the_status_tells_how_the_office_is(api, db, heart, a_message) -> None:
    a_message()
    db.execute("INSERT INTO trunk_states VALUES ('primary', 'down', 'silent', ?)", [clock.stamp()])
    soon = clock.stamp(clock.now().replace(year=2099))
    db.execute(
        "INSERT INTO registrations VALUES ('101', 'sip:101@x', 'udp:192.0.2.7:5060', 'phone', ?, ?)", [soon, soon]
    )
    status = api.get("/api/v1/status").json
    is_as_documented("/api/v1/status", status)
    assert (status["engine"], status["core"]["running"], status["core"]["pid"]) == ("builtin", True, os.getpid())
    assert status["trunks"] == [
        {"id": "primary", "state": "down", "reason": "silent", "state_at": status["trunks"][0]["state_at"]}
    ]
    assert status["phones"][0]["extension"] == "101"
    assert status["outbox"]["waiting"] == 1
    assert status["power"] == {"state": "none"}
    db.execute("DELETE FROM core_status")
    assert api.get("/api/v1/status").json["core"]["running"] is False


# --- errors and the document ---


def test_every_error_under_api_is_a_problem_document(api, a_call) -> None:
    for path, status in (
        ("/api/nowhere", 404),
        ("/api", 404),
        ("/api/v1/nowhere", 404),
        ("/api/v1/calls/nothing", 404),
    ):
        answer = api.get(path)
        assert answer.status_code == status, path
        problem_of(answer)
    for method in ("POST", "DELETE", "PUT", "PATCH"):
        refused = api.send(method, "/api/v1/calls", {} if method != "DELETE" else None)
        assert refused.status_code == 405
        assert "GET" in refused.headers["Allow"]
        problem_of(refused)
    assert api.send("POST", "/healthz").status_code == 405
    assert api.send("GET", "/api/v1/messages/x/done").headers["Allow"] == "POST"


def test_a_fault_is_a_problem_without_our_inside(api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object, **_kwargs: object) -> None:
        raise sqlite3.OperationalError("no such table: secret_things")

    monkeypatch.setattr("appliance.calls.service.list_calls", broken)
    answer = api.get("/api/v1/calls")
    assert answer.status_code == 500
    assert b"secret_things" not in answer.data
    problem_of(answer)


def test_a_store_that_cannot_be_written_lets_read_and_says_503_to_writes(api, db, a_recording, a_message) -> None:
    message_id = a_message()
    api.get("/api/v1/calls")
    full = sqlite3.OperationalError("database or disk is full")

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise full

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("appliance.accounts.service.audit", refuse)
        assert api.get("/api/v1/calls").status_code == 200
        for answer in (api.get("/api/v1/recordings/rec_1"), api.send("POST", f"/api/v1/messages/{message_id}/done")):
            assert answer.status_code == 503
            assert answer.headers["Retry-After"]
            problem_of(answer)
    assert api.get(f"/api/v1/messages/{message_id}").json["done_at"] is None


NAMES = ["business", "since", "until", "state", "agent", "search", "limit", "before", "x"]


@settings_of_hypothesis(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["calls", "messages", "agents", "status"]),
    st.dictionaries(st.sampled_from(NAMES), st.text(max_size=30), max_size=3),
)
def test_no_query_is_a_fault(api, a_list: str, query: dict[str, str]) -> None:
    answer = api.get(f"/api/v1/{a_list}?{urlencode(query)}")
    assert answer.status_code in (200, 400), query
    if answer.status_code == 400:
        problem_of(answer)


@settings_of_hypothesis(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=30))
def test_no_path_is_a_fault(api, rest: str) -> None:
    assert api.get("/api/v1/" + quote(rest)).status_code in (200, 404, 405, 308)


def test_the_document_is_valid_and_names_every_route(api) -> None:
    answer = api.client.get("/api/openapi.json")
    assert answer.status_code == 200
    validate(answer.json)
    assert answer.json["openapi"] == "3.1.0"
    rules = {
        (rule.rule.replace("<", "{").replace(">", "}"), method.lower())
        for rule in api.client.application.url_map.iter_rules()
        if rule.endpoint.startswith("api.") and rule.endpoint != "api.nothing"
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    documented = {(path, method) for path, item in answer.json["paths"].items() for method in item}
    assert rules == documented


def test_every_route_and_key_is_explained_in_the_docs() -> None:
    page = (Path(__file__).parents[3] / "docs" / "api.md").read_text()
    for route in ROUTES:
        assert f"`{route.method} {route.path}`" in page, route.path
        for parameter in route.parameters:
            assert f"`{parameter.name}`" in page
    for key in CALL_KEYS.split():
        assert f"`{key}`" in page


@pytest.mark.parametrize("filters", [{}, {"business_id": "bakery"}, {"agent_id": "sara"}, {"since": "2026-01-01"}])
def test_a_page_of_calls_is_found_by_an_index_however_many_there_are(db, filters: dict[str, str]) -> None:
    asked: list[str] = []
    db.conn.set_trace_callback(asked.append)
    calls.list_calls(db, businesses=None, before="2026-06-01T00:00:00.000Z~call_1", **filters)
    db.conn.set_trace_callback(None)
    [sql] = [s for s in asked if "FROM calls" in s]
    plan = [str(row[3]) for row in db.execute("EXPLAIN QUERY PLAN " + sql).fetchall()]
    assert "USE TEMP B-TREE FOR ORDER BY" not in plan, plan
    assert any("INDEX calls_" in step for step in plan), plan
