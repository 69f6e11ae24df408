"""`frontdesk token create|list|revoke`: keys of the API."""

import argparse

from appliance.accounts import service as accounts
from appliance.commands.opening import existing, made
from appliance.config import Settings
from appliance.errors import NotFound
from appliance.i18n import gettext as _
from appliance.store import transaction


class NoSuchToken(NotFound):
    """No key of that name."""

    code = "no-such-token"


def arguments(parser: argparse.ArgumentParser) -> None:
    """What to do with which key."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, text in (
        ("create", _("make a key; the last line printed is the key itself, told this once")),
        ("list", _("list the keys")),
        ("revoke", _("let a key open nothing any more")),
    ):
        action = actions.add_parser(name, help=text, description=text)
        action.add_argument("--home", metavar="DIR", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        if name != "list":
            action.add_argument("name", metavar="NAME", help=_("what the key is for"))


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Create, list or revoke."""
    if args.action == "create":
        return _create(args.name, settings)
    if args.action == "revoke":
        return _revoke(args.name, settings)
    with existing(settings) as db:
        for token in accounts.list_tokens(db):
            state = _("revoked") if token.revoked_at else _("used %(at)s", at=token.used_at or _("never"))
            created = _("created %(at)s", at=token.created_at)
            print(f"{token.name}\t{created}\t{state}")
    return 0


def _create(name: str, settings: Settings) -> int:
    with made(settings) as db, transaction(db):
        text = accounts.create_token(db, name)
        accounts.audit(db, actor="command", action="token.create", object=name)
    print(_("A key of the API, told this once. Send it as: Authorization: Bearer …"))
    print(text)
    return 0


def _revoke(name: str, settings: Settings) -> int:
    with existing(settings) as db, transaction(db):
        token = next((t for t in accounts.list_tokens(db) if t.name == name), None)
        if token is None:
            raise NoSuchToken(_('There is no key named "%(name)s".', name=name), hint=_("frontdesk token list"))
        accounts.revoke_token(db, token.token_id)
        accounts.audit(db, actor="command", action="token.revoke", object=name)
    print(_('The key "%(name)s" opens nothing any more.', name=name))
    return 0
