"""The pages of accounts; what they do lies in the files beside."""

from flask import Blueprint

blueprint = Blueprint("accounts", __name__)

from web.accounts import audit_log, me, people, sign_in, tokens  # noqa: E402  they put their routes on the blueprint

__all__ = ["audit_log", "blueprint", "me", "people", "sign_in", "tokens"]
