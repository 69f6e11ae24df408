"""The text of commands, pure: a verb and its values in, one line of Event Socket out.

Owns: quoting and refusing values. Leaves out: sending (esl.py). A value that could be read as more than a value is
refused with BadValue; names for a display are made harmless instead.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from appliance.switch.causes import Cause
from appliance.switch.freeswitch.failures import BadValue
from appliance.switch.freeswitch.translate import to_hangup_cause

_UUID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_NUMBER = re.compile(r"[+*#0-9A-Za-z][*#0-9A-Za-z_.-]{0,63}")
_DIGITS = re.compile(r"[0-9*#A-D]{1,64}")
_ENDPOINT = re.compile(r"sofia/[A-Za-z0-9_.-]+/[!#%&()*+\-./0-9:;=?@A-Z_a-z~]+")
_QUOTES = str.maketrans({"'": "’", '"': "”", "`": "’"})
_NAME_MARKS = set(" .-_&+()/’”")


def uuid(value: str) -> str:
    """A channel's name. Raises BadValue."""
    return _matching(_UUID, "The channel", value)


def number(value: str) -> str:
    """A number as it is dialled. Raises BadValue."""
    return _matching(_NUMBER, "The number", value)


def word(value: str) -> str:
    """An identifier of ours, such as a trunk's. Raises BadValue."""
    return _matching(_WORD, "The name", value)


def shown_name(value: str) -> str:
    """A name as a display may show it: quotes become typographic, what could be read as a command goes."""
    plain = "".join(c if not unicodedata.category(c).startswith(("C", "Z")) else " " for c in value.translate(_QUOTES))
    kept = "".join(c for c in plain if c in _NAME_MARKS or unicodedata.category(c)[0] in "LMN")
    return " ".join(kept.split())[:80]


def file(path: Path) -> str:
    """A sound file. Raises BadValue for a path that FreeSWITCH would read as more than a path."""
    text = str(path)
    if not path.is_absolute() or any(c in text for c in "\r\n\0!{}[]'\"|$\\"):
        raise BadValue("The file", text)
    return text


WATCHDOG_SECONDS = 6  # the dialplan sets it too when it hands a call over
IN_HAND = "in-hand XML core"  # extension, dialplan, context: the socket to us, and the standby behind it


def execute(channel: str, application: str, argument: str = "", *, name: str = "", loops: int = 1) -> str:
    """Run an application on a channel; its end comes as CHANNEL_EXECUTE_COMPLETE with Application-UUID ``name``."""
    lines = [f"sendmsg {uuid(channel)}", "call-command: execute"]
    lines.append(f"execute-app-name: {_matching(_WORD, 'The application', application)}")
    if argument:
        lines.append(f"execute-app-arg: {_line(argument)}")
    if name:
        lines.append(f"Event-UUID: {uuid(name)}")
    if loops != 1:
        lines.append(f"loops: {loops}")
    return "\n".join(lines)


def playback(channel: str, sounds: Sequence[Path], *, name: str, endless: bool = False) -> str:
    """Play files one after another without a gap."""
    files = [file(sound) for sound in sounds]
    argument = files[0] if len(files) == 1 else "file_string://" + "!".join(files)
    return execute(channel, "playback", argument, name=name, loops=-1 if endless else 1)


def record(channel: str, path: Path, *, most_seconds: float, silence_seconds: float, name: str) -> str:
    """Record what a party says, until the limit or a silence."""
    limit = max(1, round(most_seconds))
    silence = f" {SILENCE_ENERGY} {max(1, round(silence_seconds))}" if silence_seconds > 0 else ""
    return execute(channel, "record", f"{_word(path)} {limit}{silence}", name=name)


def _word(path: Path) -> str:
    """A path where values are split at blanks."""
    return f"'{file(path)}'" if " " in str(path) else file(path)


SILENCE_ENERGY = 200


def set_variables(channel: str, values: Mapping[str, str]) -> str:
    """Set several variables of a channel (api)."""
    pairs = []
    for key, value in values.items():
        if ";" in value:
            raise BadValue("The value", value)
        pairs.append(f"{_matching(_WORD, 'The variable', key)}={_line(value)}")
    return f"uuid_setvar_multi {uuid(channel)} {';'.join(pairs)}"


def kill(channel: str, cause: Cause) -> str:
    """End a channel (api)."""
    return f"uuid_kill {uuid(channel)} {to_hangup_cause(cause)}"


def stop_sounds(channel: str) -> str:
    """Stop whatever is played or recorded (api)."""
    return f"uuid_break {uuid(channel)} all"


def bridge(first: str, second: str) -> str:
    """Let two channels hear each other (api)."""
    return f"uuid_bridge {uuid(first)} {uuid(second)}"


def part(channel: str) -> str:
    """Part a channel from its peer; both come into our hands, in silence (api)."""
    return f"uuid_transfer {uuid(channel)} -both {IN_HAND}"


def take_back(channel: str) -> str:
    """Take a channel that goes its own way into our hands (api)."""
    return f"uuid_transfer {uuid(channel)} {IN_HAND}"


def unschedule(channel: str) -> str:
    """Forget what was planned for a channel: its watchdog (api)."""
    return f"sched_del {uuid(channel)}"


def watch(channel: str, seconds: int = WATCHDOG_SECONDS) -> str:
    """Have the standby take a call over in so many seconds, unless it is unscheduled before (api)."""
    return f"sched_transfer +{seconds} {uuid(channel)} standby XML standby"


def recording(channel: str, verb: str, path: Path) -> str:
    """Start or stop recording the conversation (api)."""
    return f"uuid_record {uuid(channel)} {_matching(_WORD, 'The verb', verb)} {_word(path)}"


def answer(channel: str) -> str:
    """Pick up, at once: as an application it would wait for the channel's next 20 ms (api)."""
    return f"uuid_answer {uuid(channel)}"


def press(channel: str, digit: str) -> str:
    """As if the party had pressed a key (api)."""
    return f"uuid_recv_dtmf {uuid(channel)} {_matching(_DIGITS, 'The digits', digit)}"


def send_digits(channel: str, digits: str) -> str:
    """Press digits towards a party (api)."""
    return f"uuid_send_dtmf {uuid(channel)} {_matching(_DIGITS, 'The digits', digits)}"


@dataclass(frozen=True)
class Endpoint:
    """Whom to ring, and whether the sound must, may, or (empty) shall not be encrypted (rtp_secure_media)."""

    where: str
    srtp: Literal["", "optional", "mandatory"] = ""


def originate(legs: Mapping[str, Endpoint], variables: Mapping[str, str]) -> str:
    """Ring several endpoints at once, each a channel of its own; the first to answer is handed to us (api, for bgapi).

    ``legs`` are endpoints by the names their channels shall have.
    """
    common = ",".join(f"{_matching(_WORD, 'The variable', key)}='{_quoted(v)}'" for key, v in variables.items())
    targets = ",".join(
        f"[origination_uuid={uuid(name)}{f',rtp_secure_media={one.srtp}' if one.srtp else ''}]"
        f"{_matching(_ENDPOINT, 'The phone', one.where)}"
        for name, one in legs.items()
    )
    return f"originate {{{common}}}{targets} {IN_HAND}"


def _quoted(value: str) -> str:
    if any(c in value for c in "'\"{}[]\\$^\r\n\0"):
        raise BadValue("The value", value)
    return value


def _line(value: str) -> str:
    if any(c in value for c in "\r\n\0"):
        raise BadValue("The value", value)
    return value


def _matching(pattern: re.Pattern[str], what: str, value: str) -> str:
    if not pattern.fullmatch(value):
        raise BadValue(what, value)
    return value
