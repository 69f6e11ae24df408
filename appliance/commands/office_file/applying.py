"""Bringing the office into the state of a plan, in one transaction of the caller's."""

from sqlite_utils import Database

from appliance import ids
from appliance.accounts import service as accounts
from appliance.agents import service as agents
from appliance.businesses import service as businesses
from appliance.calls import service as calls
from appliance.commands.office_file.current import OFFICE_FIELDS
from appliance.commands.office_file.menus import menu_of
from appliance.commands.office_file.plan import Change, Plan
from appliance.commands.office_file.reading import State, Thing
from appliance.errors import Conflict
from appliance.extensions import service as extensions
from appliance.i18n import gettext as _
from appliance.lines import service as lines
from appliance.menus import service as menus
from appliance.menus.models import Menu
from appliance.office import service as office


class WouldLoseHistory(Conflict):
    """Things with calls on record are not in the file any more."""

    code = "would-lose-history"

    def __init__(self, sentences: list[str], *, may_remove: bool) -> None:
        hint = _("Put them back into the file, or apply it with --remove: the calls stay, without that name.")
        keep = _("Keep the business in the file with numbers = []: it then answers no call, and its messages stay.")
        super().__init__("\n".join(sentences), hint=hint if may_remove else keep)


def check_removals(db: Database, plan: Plan, *, remove: bool) -> None:
    """Refuse to remove what history hangs on. Raises WouldLoseHistory."""
    with_calls, with_messages = [], []
    for change in plan.of("-", "business"):
        call_count, message_count = businesses.history(db, change.name)
        said = _(
            'Business "%(name)s" is not in the file, but has %(calls)s calls and %(messages)s messages on record.',
            name=change.name,
            calls=call_count,
            messages=message_count,
        )
        if message_count:
            with_messages.append(said)
        elif call_count:
            with_calls.append(said)
        elif contact_count := businesses.contact_count(db, change.name):
            with_calls.append(
                _(
                    'Business "%(name)s" is not in the file, but has %(contacts)s contacts, which would be deleted.',
                    name=change.name,
                    contacts=contact_count,
                )
            )
    for change in plan.of("-", "agent"):
        if calls.list_calls(db, businesses=None, agent_id=change.name, limit=1).items:
            with_calls.append(_('Agent "%(name)s" is not in the file, but has calls on record.', name=change.name))
    if with_messages:
        raise WouldLoseHistory(with_messages, may_remove=False)
    if with_calls and not remove:
        raise WouldLoseHistory(with_calls, may_remove=True)


def apply(db: Database, plan: Plan) -> list[str]:
    """Carry the plan out; the agents who can sign in to the console from now on."""
    _office(db, plan)
    for change in plan.of("-", "phone"):
        extensions.delete_extension(db, change.name)
    for change in plan.of("-", "agent"):
        _remove_agent(db, change.name)
    _renumber(db, plan)
    for change in plan.of("-", "trunk"):
        lines.delete_trunk(db, change.name)
    for change in (*plan.of("+", "trunk"), *plan.of("~", "trunk")):
        _trunk(db, change.after)
    _businesses(db, plan)
    _phones(db, plan)
    people = _agents(db, plan)
    _menus(db, plan)
    for change in plan.of("-", "business"):
        businesses.delete_business(db, change.name, keep_calls=True)
    office.finish_set_up(db)
    return people


def _office(db: Database, plan: Plan) -> None:
    wanted = plan.wanted["office"][""]
    values = {field: wanted[key] for key, field in OFFICE_FIELDS.items()}
    if office.find_office(db) is None:
        office.create_office(db, **values)
    elif plan.of("~", "office"):
        office.update_office(db, **values)
    _owner(db, wanted["owner.email"])


def _remove_agent(db: Database, agent_id: str) -> None:
    extension = agents.get_agent(db, agent_id).extension
    user = accounts.user_of_agent(db, agent_id)
    if user is not None:
        accounts.set_agent(db, user.user_id, None)
        if not user.is_owner:
            accounts.disable(db, user.user_id)
    agents.delete_agent(db, agent_id)
    extensions.delete_extension(db, extension)


def _renumber(db: Database, plan: Plan) -> None:
    moves = {c.before["extension"]: c.after["extension"] for c in plan.of("~", "agent") if "extension" in c.keys}
    if moves:
        extensions.renumber(db, moves)


def _trunk(db: Database, trunk: Thing) -> None:
    lines.save_trunk(
        db,
        trunk["id"],
        kind=trunk["kind"],
        host=trunk["host"],
        transport=trunk["transport"],
        username=trunk["username"],
        password=trunk["password"],
        position=trunk["place"],
    )


def _businesses(db: Database, plan: Plan) -> None:
    wanted: State = plan.wanted
    # first let go of numbers: one may move from business to business
    for business in businesses.list_businesses(db):
        keep = set(wanted["business"].get(business.business_id, {}).get("numbers", ()))
        if not keep.issuperset(business.numbers):
            businesses.set_numbers(db, business.business_id, [n for n in business.numbers if n in keep])
    for change in (*plan.of("+", "business"), *plan.of("~", "business")):
        values = {k: v for k, v in change.after.items() if k not in {"id", "place", "numbers"}}
        values["position"] = change.after["place"]
        if change.sign == "+":
            businesses.create_business(db, change.name, **values)
        else:
            businesses.update_business(db, change.name, **values)
        businesses.set_numbers(db, change.name, change.after["numbers"])


def _menus(db: Database, plan: Plan) -> None:
    for change in plan.of("-", "menu"):
        menus.drop_menu(db, change.name)
    changed = {change.name for change in (*plan.of("+", "menu"), *plan.of("~", "menu"))}
    by_business: dict[str, list[Menu]] = {}
    for thing in plan.wanted["menu"].values():
        by_business.setdefault(thing["business"], []).append(menu_of(thing))
    for business_id, wanted in by_business.items():
        if any(menu.menu_id in changed for menu in wanted):
            menus.save_menus(db, business_id, wanted, changed=[m for m in wanted if m.menu_id in changed])


def _phones(db: Database, plan: Plan) -> None:
    for change in plan.of("+", "phone"):
        _create_phone(db, change.name, change.after)
    for change in plan.of("~", "phone"):
        _update_phone(db, change)


def _create_phone(db: Database, extension: str, thing: Thing) -> None:
    extensions.create_extension(db, extension, sip_password=thing["sip_password"], name=thing["name"])


def _update_phone(db: Database, change: Change) -> None:
    password = change.after["sip_password"] if "sip_password" in change.keys else None
    name = change.after["name"] if "name" in change.keys else None
    extension = change.after["extension"]
    if password is not None or name is not None:
        extensions.update_extension(db, extension, sip_password=password, name=name)


def _agents(db: Database, plan: Plan) -> list[str]:
    people = []
    for change in plan.of("+", "agent"):
        agent = change.after
        _create_phone(db, agent["extension"], agent)
        agents.create_agent(db, agent["id"], agent["name"], agent["extension"], agent["serves"], agent["email"])
        people.append(_sign_in(db, agent))
    for change in plan.of("~", "agent"):
        agent = change.after
        _update_phone(db, change)
        agents.update_agent(db, change.name, name=agent["name"], email=agent["email"], serves=agent["serves"])
    return people


def _sign_in(db: Database, agent: Thing) -> str:
    """Let a new agent sign in to the console with the agent's id; the login."""
    login = agent["id"]
    before = accounts.find_user(db, login)
    if before and before.role == "agent" and before.agent_id is None:  # who was removed comes back
        accounts.enable(db, before.user_id)
        accounts.rename(db, before.user_id, login=login, name=agent["name"])
        accounts.set_agent(db, before.user_id, agent["id"])
        return before.login
    if len(login) < 2 or before:
        login = f"{login}-{ids.new_id('u')[-6:]}"
    return accounts.create_user(db, login=login, name=agent["name"], role="agent", agent_id=agent["id"]).login


def _owner(db: Database, email: str) -> None:
    """The owner to be signs in with the mail address, once a password is chosen by the set-up link."""
    if not email or not accounts.set_up_link_needed(db):
        return
    waiting = next((u for u in accounts.list_users(db) if u.is_owner and not u.disabled_at), None)
    if waiting is None:
        if accounts.find_user(db, email) is None:
            accounts.create_user(db, login=email, name=email, role="owner")
    elif waiting.login != email and accounts.find_user(db, email) is None:
        accounts.rename(db, waiting.user_id, login=email, name=email if waiting.name == waiting.login else waiting.name)
