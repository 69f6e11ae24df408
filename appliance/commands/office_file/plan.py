"""What must change so that the office is as the file says. Pure.

Owns: filling in secrets that the file leaves out, and the difference as changes that a person can read.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from appliance.commands.office_file.reading import State, Thing
from appliance.fields import shown
from appliance.i18n import gettext as _

KINDS = ("office", "trunk", "business", "agent", "menu", "phone")
SECRETS = frozenset({"password", "sip_password", "smtp.password"})


@dataclass(frozen=True)
class Change:
    """One thing that comes (+), changes (~) or goes (-); ``keys`` are those that change."""

    sign: str
    kind: str
    name: str
    before: Thing
    after: Thing
    keys: tuple[str, ...] = ()

    def written(self) -> list[str]:
        """The lines of the plan."""
        title = f'{self.kind} "{self.name}"' if self.name else self.kind
        if self.sign == "~":
            return [f"~ {title}: {key} {_from_to(key, self.before.get(key), self.after[key])}" for key in self.keys]
        thing = self.after if self.sign == "+" else self.before
        said = thing.get("name") or thing.get("host") or ""
        return [f"{self.sign} {title}" + (f" ({said})" if said and said != self.name else "")]


@dataclass(frozen=True)
class Plan:
    """All changes, and the secrets that were made up on the way: (kind, name, key) -> secret."""

    changes: tuple[Change, ...]
    wanted: State
    generated: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def of(self, sign: str, kind: str) -> list[Change]:
        """The changes of one sign and kind, in the file's order."""
        return [c for c in self.changes if c.sign == sign and c.kind == kind]


def make(wanted: State, current: State, new_secret: Callable[[], str]) -> Plan:
    """The plan from what is there to what the file wants."""
    generated: dict[tuple[str, str, str], str] = {}
    full: State = {"office": {"": _with_smtp_password(wanted["office"][""], current["office"].get("", {}))}}
    for kind in KINDS[1:]:
        full[kind] = {}
        for name, thing in wanted[kind].items():
            thing = {key: value for key, value in thing.items() if key != "#"}
            if kind in ("trunk", "business", "menu"):
                thing["place"] = len(full[kind])
            if kind == "trunk" and thing["password"] is None:
                thing["password"] = current["trunk"].get(name, {}).get("password", "")
            if thing.get("sip_password", "") is None:
                known = _known_sip_password(kind, name, thing["extension"], wanted, current)
                thing["sip_password"] = known or new_secret()
                if not known:
                    generated[(kind, name, "sip_password")] = thing["sip_password"]
            full[kind][name] = thing
    changes = [change for kind in KINDS for change in _differences(kind, full[kind], current[kind])]
    return Plan(tuple(changes), full, generated)


def _with_smtp_password(office: Thing, before: Thing) -> Thing:
    if office["smtp.password"] is not None:
        return office
    same_account = all(before.get(key) == office[key] for key in ("smtp.host", "smtp.username"))
    return {**office, "smtp.password": before.get("smtp.password", "") if same_account else ""}


def _known_sip_password(kind: str, name: str, extension: str, wanted: State, current: State) -> str:
    """The password of the same agent or phone, or of an extension that changes hands; "" if there is none."""
    if name in current[kind]:
        return str(current[kind][name]["sip_password"])
    if kind == "agent" and extension in current["phone"] and extension not in wanted["phone"]:
        return str(current["phone"][extension]["sip_password"])
    for agent_id, agent in current["agent"].items():
        if agent["extension"] == extension and agent_id not in wanted["agent"]:
            return str(agent["sip_password"])
    return ""


def _differences(kind: str, wanted: dict[str, Thing], current: dict[str, Thing]) -> list[Change]:
    changes = []
    for name, thing in wanted.items():
        before = current.get(name)
        if before is None:
            changes.append(Change("+", kind, name, {}, thing))
            continue
        keys = tuple(key for key in thing if thing[key] != before.get(key))
        if keys:
            changes.append(Change("~", kind, name, before, thing, keys))
    changes += [Change("-", kind, name, thing, {}) for name, thing in current.items() if name not in wanted]
    return changes


def _from_to(key: str, before: Any, after: Any) -> str:
    if key in SECRETS:
        return _("changed")
    return f"{_value(before)} -> {_value(after)}"


def _value(value: Any) -> str:
    if value is None or value in ("", (), {}):
        return "–"
    if isinstance(value, tuple | list):
        return ", ".join(str(v) for v in value)
    if isinstance(value, dict):
        return ", ".join(f"{k} {v}" for k, v in value.items())
    return shown(value) if isinstance(value, str) else str(value)
