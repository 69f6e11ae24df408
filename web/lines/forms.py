"""What the form of a line says."""

from flask import request

from appliance import fields
from web.forms import Form


def read_line(form: Form, *, has_password: bool = False) -> dict[str, object]:
    """The fields of ``save_trunk``: a carrier's account (``register``) or a machine in the network (``peer``)."""
    kind = "register" if request.form.get("kind") == "register" else "peer"
    name = "host" if kind == "register" else "peer_host"
    found: dict[str, object] = {
        "kind": kind,
        "host": form.read(name, lambda t: fields.host(t.strip(), network=kind == "peer"), ""),
        "transport": "tcp" if request.form.get("transport") == "tcp" else "udp",
        "username": "",
        "password": "",
    }
    if kind == "register":
        found["username"] = form.required("username")
        if request.form.get("password"):
            found["password"] = form.read("password", fields.secret, "")
        elif has_password:
            found["password"] = None
        else:
            form.required("password")
    return found
