"""`frontdesk reset-password LOGIN`: a link with which that person chooses a new password."""

import argparse

from appliance.accounts import service as accounts
from appliance.commands.links import password_address
from appliance.commands.opening import existing
from appliance.config import Settings
from appliance.errors import NotFound
from appliance.fields import did_you_mean
from appliance.i18n import gettext as _
from appliance.store import transaction


class NoSuchLogin(NotFound):
    """Nobody signs in with that name."""

    code = "no-such-login"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The person."""
    parser.add_argument("login", metavar="LOGIN", help=_("what the person signs in with"))


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Print the link as the last line."""
    with existing(settings) as db, transaction(db):
        user = accounts.find_user(db, args.login)
        if user is None:
            logins = [u.login for u in accounts.list_users(db) if not u.disabled_at]
            known = _("Known: %(list)s.", list=", ".join(logins)) if logins else _("Nobody can sign in yet.")
            raise NoSuchLogin(
                _('Nobody signs in as "%(login)s".', login=args.login),
                hint=f"{did_you_mean(args.login, logins)} {known}".strip(),
            )
        if user.disabled_at:
            raise NoSuchLogin(
                _('"%(login)s" may not sign in any more.', login=user.login), hint=_("Let the person in again first.")
            )
        accounts.audit(db, actor="command", action="password.link", object=user.user_id)
        link = password_address(settings, accounts.create_link(db, "password", user.user_id))
    print(_("%(name)s chooses a new password here; the link works once, for two days:", name=user.name))
    print(link)
    return 0
