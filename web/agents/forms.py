"""What the form of an agent says."""

from flask import request

from appliance import fields
from appliance.agents.models import MODES
from appliance.i18n import plain_digits
from web.forms import Form


def _digits(text: str) -> str:
    return plain_digits(text.strip())


def read_agent(form: Form) -> dict[str, str]:
    """Name, extension, mail."""
    return {
        "name": form.read("name", fields.name, ""),
        "extension": form.read("extension", lambda t: fields.extension(_digits(t)), ""),
        "email": form.read("email", lambda t: fields.email(t) if t.strip() else "", ""),
    }


def read_serves(businesses: list[str]) -> dict[str, str]:
    """Business → how the agent serves it, from the rows of the matrix."""
    found = {b: request.form.get(f"serves_{b}", "") for b in businesses}
    return {b: mode for b, mode in found.items() if mode in MODES}
