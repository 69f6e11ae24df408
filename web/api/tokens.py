"""Who asks, for the log of who did what."""

from flask import g, request

from appliance.accounts import service as accounts
from web.database import db


def actor() -> str:
    """The token's name, as the log has it."""
    return f"token {g.token.name}"


def audit(action: str, thing: str, business_id: str | None = None) -> None:
    """Write down what was done with the token."""
    accounts.audit(
        db(),
        actor=actor(),
        action=action,
        object=thing,
        business_id=business_id,
        address=request.remote_addr or "",
    )
