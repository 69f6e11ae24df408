"""The schema: ordered steps, append-only, each named by what it brings about.

Who writes what: web and commands write configuration and human input; the core writes call data, registrations, trunk
states and deliveries. All times are stamps (clock.py), all durations seconds, all JSON columns hold UTF-8 text.
"""

import sqlite3

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

steps = Migrations("frontdesk")


def migrate(db: Database) -> list[str]:
    """Apply what is missing; the names of the steps that were applied."""
    before = {m.name for m in steps.applied(db)}
    steps.apply(db)
    return [m.name for m in steps.applied(db) if m.name not in before]


def _script(db: Database, sql: str) -> None:
    # not executescript(): that would commit the migration's own transaction
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            db.execute(statement)
            statement = ""
    if statement.strip():
        raise ValueError(f"unfinished SQL: {statement}")


@steps()
def create_the_office(db: Database) -> None:
    """Everything the first call needs."""
    _script(
        db,
        """
CREATE TABLE office (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    name TEXT NOT NULL,
    timezone TEXT NOT NULL,               -- IANA name
    language TEXT NOT NULL,               -- en, fa, ru, ms
    owner_email TEXT NOT NULL DEFAULT '',
    smtp_host TEXT NOT NULL DEFAULT '',   -- '' : no mail server set
    smtp_port INTEGER NOT NULL DEFAULT 587,
    smtp_from TEXT NOT NULL DEFAULT '',
    smtp_username TEXT NOT NULL DEFAULT '',
    smtp_password TEXT NOT NULL DEFAULT '',
    smtp_security TEXT NOT NULL DEFAULT 'auto' CHECK (smtp_security IN ('auto', 'none', 'starttls', 'tls')),
    set_up_at TEXT,                       -- the wizard was finished, or an office file applied
    config_version INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE trunks (
    trunk_id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('peer', 'register')),
    host TEXT NOT NULL,                   -- host, host:port, or for a peer a network such as 192.168.1.0/24
    transport TEXT NOT NULL DEFAULT 'udp' CHECK (transport IN ('udp', 'tcp')),
    username TEXT NOT NULL DEFAULT '',
    password TEXT NOT NULL DEFAULT '',
    position INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE businesses (
    business_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    language TEXT NOT NULL,
    timezone TEXT,                        -- NULL: the office's
    greeting TEXT NOT NULL DEFAULT '',    -- spoken by the box unless a sound was uploaded (prompts)
    answer_as TEXT NOT NULL DEFAULT '',
    hours TEXT NOT NULL DEFAULT '{}',     -- JSON {"sat-wed": "09:00-18:00"}; {}: always open
    ring_seconds INTEGER NOT NULL DEFAULT 20 CHECK (ring_seconds BETWEEN 1 AND 300),
    voicemail_seconds INTEGER NOT NULL DEFAULT 120 CHECK (voicemail_seconds BETWEEN 5 AND 600),
    messages_to TEXT NOT NULL DEFAULT '[]',  -- JSON list of mail addresses
    position INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE numbers (
    number TEXT PRIMARY KEY,              -- E.164
    business_id TEXT NOT NULL REFERENCES businesses ON DELETE CASCADE,
    position INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX numbers_by_business ON numbers (business_id);

CREATE TABLE extensions (
    extension TEXT PRIMARY KEY,
    sip_password TEXT NOT NULL,
    name TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE agents (
    agent_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    extension TEXT NOT NULL UNIQUE REFERENCES extensions ON UPDATE CASCADE,
    email TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL DEFAULT 'available' CHECK (status IN ('available', 'on_break', 'logged_out')),
    status_reason TEXT NOT NULL DEFAULT '',
    status_at TEXT NOT NULL,
    position INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE agent_businesses (
    agent_id TEXT NOT NULL REFERENCES agents ON DELETE CASCADE,
    business_id TEXT NOT NULL REFERENCES businesses ON DELETE CASCADE,
    mode TEXT NOT NULL DEFAULT 'shared' CHECK (mode IN ('shared', 'dedicated', 'semi')),
    PRIMARY KEY (agent_id, business_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX agents_by_business ON agent_businesses (business_id);

CREATE TABLE agent_states (               -- what happens, written by the core
    agent_id TEXT PRIMARY KEY REFERENCES agents ON DELETE CASCADE,
    state TEXT NOT NULL CHECK (state IN ('offline', 'idle', 'ringing', 'in_call', 'wrap_up')),
    call_id TEXT,
    state_at TEXT NOT NULL,
    idle_since TEXT
) STRICT;

CREATE TABLE users (
    user_id TEXT PRIMARY KEY,
    login TEXT NOT NULL UNIQUE COLLATE NOCASE,   -- a mail address or a short name
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('owner', 'agent')),
    agent_id TEXT UNIQUE REFERENCES agents ON DELETE SET NULL,
    password_hash TEXT,                   -- argon2; NULL: no password chosen yet
    language TEXT NOT NULL DEFAULT '',    -- '': the office's
    created_at TEXT NOT NULL,
    disabled_at TEXT
) STRICT;

CREATE TABLE user_businesses (            -- an owner with rows here sees these only; without, the whole office
    user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    business_id TEXT NOT NULL REFERENCES businesses ON DELETE CASCADE,
    PRIMARY KEY (user_id, business_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    session_hash TEXT PRIMARY KEY,        -- sha256 of the cookie's secret
    user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    created_at TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    address TEXT NOT NULL DEFAULT '',
    user_agent TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE login_failures (
    login_failure_id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,                    -- 'login:<name>' or 'address:<ip>'
    at TEXT NOT NULL
) STRICT;
CREATE INDEX login_failures_by_key ON login_failures (key, at);

CREATE TABLE one_time_links (
    link_hash TEXT PRIMARY KEY,           -- sha256 of the link's secret
    purpose TEXT NOT NULL CHECK (purpose IN ('set-up', 'password')),
    user_id TEXT REFERENCES users ON DELETE CASCADE,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    used_at TEXT
) STRICT;

CREATE TABLE api_tokens (
    token_id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    token_hash TEXT NOT NULL UNIQUE,      -- sha256 of the token
    created_at TEXT NOT NULL,
    used_at TEXT,
    revoked_at TEXT
) STRICT;

CREATE TABLE contacts (
    contact_id TEXT PRIMARY KEY,
    business_id TEXT NOT NULL REFERENCES businesses ON DELETE CASCADE,
    number TEXT NOT NULL,
    name TEXT NOT NULL DEFAULT '',
    note TEXT NOT NULL DEFAULT '',
    is_blocked INTEGER NOT NULL DEFAULT 0 CHECK (is_blocked IN (0, 1)),
    created_at TEXT NOT NULL,
    UNIQUE (business_id, number)
) STRICT;

CREATE TABLE calls (                      -- what call_events say, kept beside them for lists and figures
    call_id TEXT PRIMARY KEY,
    business_id TEXT REFERENCES businesses ON DELETE SET NULL,
    direction TEXT NOT NULL CHECK (direction IN ('inbound', 'outbound', 'internal')),
    state TEXT NOT NULL
        CHECK (state IN ('ringing', 'waiting', 'talking', 'answered', 'missed', 'voicemail', 'refused')),
    phase TEXT NOT NULL DEFAULT 'arrived', -- where the caller is, or where the call ended: see calls/models.py
    caller_number TEXT NOT NULL DEFAULT '', -- '' : withheld
    caller_name TEXT NOT NULL DEFAULT '',
    dialled TEXT NOT NULL DEFAULT '',
    trunk_id TEXT,
    agent_id TEXT REFERENCES agents ON DELETE SET NULL, -- who is offered it or talks
    started_at TEXT NOT NULL,
    answered_at TEXT,                     -- a person said hello
    ended_at TEXT,
    wait_seconds REAL,                    -- from arrival to a person's answer, or to the end
    talk_seconds REAL,
    hangup_cause TEXT,                    -- causes.py: normal, busy, no-answer, …
    ended_by TEXT CHECK (ended_by IN ('caller', 'agent', 'callee', 'office', 'network')),
    recording_id TEXT
) STRICT;
CREATE INDEX calls_newest ON calls (started_at DESC, call_id DESC);
CREATE INDEX calls_by_business ON calls (business_id, started_at DESC, call_id DESC);
CREATE INDEX calls_by_caller ON calls (business_id, caller_number, started_at DESC);
CREATE INDEX calls_by_agent ON calls (agent_id, started_at DESC);
CREATE INDEX calls_live ON calls (started_at) WHERE ended_at IS NULL;

CREATE TABLE call_events (                -- append-only: every timeline and figure follows from these
    event_id INTEGER PRIMARY KEY,
    call_id TEXT NOT NULL REFERENCES calls,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,                   -- calls/models.py names them all
    agent_id TEXT,
    detail TEXT NOT NULL DEFAULT '{}'     -- JSON
) STRICT;
CREATE INDEX call_events_by_call ON call_events (call_id, event_id);
CREATE TRIGGER call_events_are_never_changed BEFORE UPDATE ON call_events
BEGIN SELECT RAISE(ABORT, 'call_events are append-only'); END;
CREATE TRIGGER call_events_are_never_deleted BEFORE DELETE ON call_events
BEGIN SELECT RAISE(ABORT, 'call_events are append-only'); END;

CREATE TABLE recordings (
    recording_id TEXT PRIMARY KEY,
    call_id TEXT NOT NULL REFERENCES calls,
    kind TEXT NOT NULL CHECK (kind IN ('call', 'voicemail')),
    path TEXT NOT NULL UNIQUE,            -- relative to the recordings folder
    state TEXT NOT NULL CHECK (state IN ('recording', 'ready', 'empty', 'lost')),
    channels INTEGER NOT NULL,
    seconds REAL NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    started_at TEXT NOT NULL,
    ended_at TEXT
) STRICT;
CREATE INDEX recordings_by_call ON recordings (call_id);

CREATE TABLE messages (
    message_id TEXT PRIMARY KEY,
    business_id TEXT NOT NULL REFERENCES businesses,
    call_id TEXT REFERENCES calls,
    kind TEXT NOT NULL CHECK (kind IN ('note', 'voicemail')),
    for_whom TEXT NOT NULL DEFAULT '',
    from_name TEXT NOT NULL DEFAULT '',
    callback_number TEXT NOT NULL DEFAULT '',
    body TEXT NOT NULL DEFAULT '',
    urgency TEXT NOT NULL DEFAULT 'normal' CHECK (urgency IN ('normal', 'urgent')),
    taken_by TEXT,                        -- agent_id; NULL: the box
    recording_id TEXT REFERENCES recordings,
    created_at TEXT NOT NULL,
    done_at TEXT,
    done_by TEXT                          -- user_id
) STRICT;
CREATE INDEX messages_newest ON messages (business_id, created_at DESC);
CREATE INDEX messages_by_call ON messages (call_id);

CREATE TABLE message_drafts (             -- what is being typed, so that nothing typed is lost
    user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    call_id TEXT NOT NULL,
    fields TEXT NOT NULL,                 -- JSON of the form
    updated_at TEXT NOT NULL,
    PRIMARY KEY (user_id, call_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (                     -- work to be delivered, written with what caused it
    delivery_id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('mail')),
    business_id TEXT,
    message_id TEXT REFERENCES messages,
    recipient TEXT NOT NULL,
    payload TEXT NOT NULL,                -- JSON the worker needs beside the message
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sending', 'delivered', 'failed', 'cancelled')),
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_at TEXT NOT NULL,
    last_error TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL,
    delivered_at TEXT
) STRICT;
CREATE INDEX outbox_due ON outbox (next_attempt_at) WHERE state IN ('waiting', 'sending');
CREATE INDEX outbox_by_message ON outbox (message_id);

CREATE TABLE prompts (                    -- sounds that replace the spoken text
    business_id TEXT NOT NULL DEFAULT '', -- '' : the whole office
    prompt TEXT NOT NULL,                 -- prompts/catalogue.py names them all
    language TEXT NOT NULL,
    source TEXT NOT NULL CHECK (source IN ('upload', 'phone')),
    path TEXT NOT NULL,                   -- relative to the prompts folder
    seconds REAL NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (business_id, prompt, language)
) STRICT, WITHOUT ROWID;

CREATE TABLE registrations (              -- which phones are there, written by the core
    extension TEXT NOT NULL REFERENCES extensions ON DELETE CASCADE ON UPDATE CASCADE,
    contact TEXT NOT NULL,                -- the Contact URI
    source TEXT NOT NULL,                 -- udp:192.0.2.7:5060
    user_agent TEXT NOT NULL DEFAULT '',
    registered_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    PRIMARY KEY (extension, contact)
) STRICT, WITHOUT ROWID;

CREATE TABLE trunk_states (
    trunk_id TEXT PRIMARY KEY REFERENCES trunks ON DELETE CASCADE,
    state TEXT NOT NULL CHECK (state IN ('unknown', 'up', 'down')),
    reason TEXT NOT NULL DEFAULT '',
    state_at TEXT NOT NULL
) STRICT;

CREATE TABLE core_status (                -- the core's heartbeat
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    pid INTEGER NOT NULL,
    engine TEXT NOT NULL,
    version TEXT NOT NULL,
    started_at TEXT NOT NULL,
    seen_at TEXT NOT NULL
) STRICT;

CREATE TABLE audit_log (                  -- who looked at or changed what
    audit_id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    user_id TEXT,
    actor TEXT NOT NULL,                  -- name at that time, or 'token <name>', or 'command'
    action TEXT NOT NULL,                 -- 'recording.play', 'contact.view', 'login', …
    object TEXT NOT NULL DEFAULT '',
    business_id TEXT,
    address TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX audit_by_object ON audit_log (object, at);
CREATE INDEX audit_newest ON audit_log (at DESC);
""",
    )


@steps()
def index_messages_and_outbox(db: Database) -> None:
    """Lists of all businesses, what is still to do, and what is still to deliver, at hundreds of thousands of rows."""
    _script(
        db,
        """
CREATE INDEX messages_by_time ON messages (created_at DESC, message_id DESC);
CREATE INDEX messages_to_do ON messages (business_id, created_at DESC, message_id DESC) WHERE done_at IS NULL;
CREATE INDEX outbox_by_time ON outbox (created_at DESC, delivery_id DESC);
CREATE INDEX outbox_by_state ON outbox (state, business_id);
CREATE INDEX outbox_open ON outbox (created_at DESC, delivery_id DESC) WHERE state IN ('waiting', 'sending', 'failed');
""",
    )


@steps()
def owners_keep_their_limit(db: Database) -> None:
    """An owner of some businesses stays limited when the last of them is removed, and does not become one of all."""
    _script(
        db,
        """
ALTER TABLE users ADD COLUMN is_limited INTEGER NOT NULL DEFAULT 0 CHECK (is_limited IN (0, 1));
UPDATE users SET is_limited = 1 WHERE EXISTS (SELECT 1 FROM user_businesses b WHERE b.user_id = users.user_id);
""",
    )


@steps()
def add_appointments(db: Database) -> None:
    """Services a business offers, and the times it keeps for customers; two of one business cannot overlap."""
    _script(
        db,
        """
CREATE TABLE booking_services (
    service_id TEXT PRIMARY KEY,
    business_id TEXT NOT NULL REFERENCES businesses ON DELETE CASCADE,
    name TEXT NOT NULL,
    minutes INTEGER NOT NULL CHECK (minutes BETWEEN 5 AND 720),
    position INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX booking_services_by_business ON booking_services (business_id, position);

CREATE TABLE appointments (
    appointment_id TEXT PRIMARY KEY,
    business_id TEXT NOT NULL REFERENCES businesses,
    service_id TEXT REFERENCES booking_services ON DELETE SET NULL,
    title TEXT NOT NULL,                  -- the service's name when it was booked
    starts_at TEXT NOT NULL CHECK (starts_at IS strftime('%Y-%m-%dT%H:%M:%fZ', starts_at)),
    ends_at TEXT NOT NULL CHECK (ends_at IS strftime('%Y-%m-%dT%H:%M:%fZ', ends_at)),
    customer_name TEXT NOT NULL DEFAULT '',
    customer_number TEXT NOT NULL DEFAULT '', -- E.164 where it could be read as a number, else as typed
    note TEXT NOT NULL DEFAULT '',
    call_id TEXT REFERENCES calls,        -- the call in which it was asked for
    taken_by TEXT,                        -- agent_id; NULL: the owner, or the box
    status TEXT NOT NULL DEFAULT 'booked' CHECK (status IN ('booked', 'cancelled', 'no_show')),
    created_at TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    -- no longer than a day: the triggers below look back one day and no further
    CHECK (starts_at < ends_at AND ends_at <= strftime('%Y-%m-%dT%H:%M:%fZ', starts_at, '+1 day'))
) STRICT;
CREATE INDEX appointments_by_time ON appointments (starts_at);
CREATE INDEX appointments_by_business ON appointments (business_id, starts_at);
CREATE INDEX appointments_by_customer ON appointments (business_id, customer_number, starts_at);
CREATE INDEX appointments_by_call ON appointments (call_id) WHERE call_id IS NOT NULL;
CREATE TRIGGER appointments_never_begin_overlapping BEFORE INSERT ON appointments
WHEN NEW.status = 'booked' AND EXISTS (
    SELECT 1 FROM appointments a WHERE a.business_id = NEW.business_id AND a.status = 'booked'
    AND a.starts_at < NEW.ends_at AND a.starts_at > strftime('%Y-%m-%dT%H:%M:%fZ', NEW.starts_at, '-1 day')
    AND a.ends_at > NEW.starts_at)
BEGIN SELECT RAISE(ABORT, 'slot-taken'); END;
CREATE TRIGGER appointments_never_come_to_overlap
BEFORE UPDATE OF business_id, starts_at, ends_at, status ON appointments
WHEN NEW.status = 'booked' AND EXISTS (
    SELECT 1 FROM appointments a WHERE a.business_id = NEW.business_id AND a.status = 'booked'
    AND a.appointment_id != OLD.appointment_id
    AND a.starts_at < NEW.ends_at AND a.starts_at > strftime('%Y-%m-%dT%H:%M:%fZ', NEW.starts_at, '-1 day')
    AND a.ends_at > NEW.starts_at)
BEGIN SELECT RAISE(ABORT, 'slot-taken'); END;
""",
    )


@steps()
def remember_the_leg_of_a_call(db: Database) -> None:
    """The engine's name of the leg that began a call: by it a new core knows a call that outlived the last one."""
    _script(
        db,
        """
ALTER TABLE calls ADD COLUMN leg_id TEXT;
CREATE INDEX calls_by_leg ON calls (leg_id) WHERE leg_id IS NOT NULL;
""",
    )


@steps()
def add_days_that_are_not_as_the_week_says(db: Database) -> None:
    """Holidays of a country, exceptions by date, and the "closed now" switch of each business."""
    _script(
        db,
        """
ALTER TABLE businesses ADD COLUMN holidays TEXT NOT NULL DEFAULT ''; -- 'IR', 'DE-BY', 'none'; '': of the time zone
ALTER TABLE businesses ADD COLUMN exceptions TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(exceptions)); -- by date
ALTER TABLE businesses ADD COLUMN closed_since TEXT;  -- switched to closed
ALTER TABLE businesses ADD COLUMN closed_until TEXT;  -- NULL: until it is switched back
""",
    )


@steps()
def add_menus(db: Database) -> None:
    """What a caller may choose by pressing a key."""
    _script(
        db,
        """
CREATE TABLE menus (
    menu_id TEXT PRIMARY KEY,
    business_id TEXT NOT NULL REFERENCES businesses ON DELETE CASCADE,
    name TEXT NOT NULL,
    text TEXT NOT NULL,                   -- what the box says
    plays TEXT NOT NULL CHECK (plays IN ('open', 'closed', 'always', 'submenu')),
    keys TEXT NOT NULL CHECK (json_valid(keys)), -- key: choice, such as person:101
    otherwise TEXT NOT NULL,              -- after so many tries without a usable key
    timeout_seconds INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    direct_dial INTEGER NOT NULL CHECK (direct_dial IN (0, 1)),
    position INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX menus_by_business ON menus (business_id, position);
""",
    )
