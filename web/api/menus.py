"""/api/v1/businesses/{id}/menus, and the dry run."""

from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue

from appliance import clock
from appliance.businesses import service as businesses
from appliance.menus import service as menus
from appliance.rehearsal import service as rehearsal
from web import core
from web.api import asked, forms
from web.api.schemas import SCHEMAS
from web.api.tokens import audit
from web.database import db, writing


def list_menus(wanted: dict[str, Any], business_id: str) -> ResponseReturnValue:
    """The menus of a business."""
    businesses.get_business(db(), business_id)
    return jsonify(forms.page([menus.as_words(m) for m in menus.list_menus(db(), business_id)], None))


def save_menu(wanted: dict[str, Any], business_id: str, menu_id: str) -> ResponseReturnValue:
    """Make a menu, or change what is named of it; safe to repeat."""
    businesses.get_business(db(), business_id)
    values = asked.body(SCHEMAS["MenuChange"]["properties"])
    with writing() as open_db:
        menu = menus.save_menu(open_db, menu_id, business_id, **values)
        audit("settings.menu", menu_id, business_id)
    core.tell("config-changed")
    return jsonify(menus.as_words(menu))


def delete_menu(wanted: dict[str, Any], business_id: str, menu_id: str) -> ResponseReturnValue:
    """Remove a menu; those that stay."""
    with writing() as open_db:
        menus.delete_menu(open_db, business_id, menu_id)
        audit("settings.menu-removed", menu_id, business_id)
    core.tell("config-changed")
    return list_menus(wanted, business_id)


def dry_run(wanted: dict[str, Any], business_id: str) -> ResponseReturnValue:
    """What happens to a call, step by step."""
    at = clock.parse(wanted["at"]) if wanted["at"] else clock.now()
    found = rehearsal.rehearse(db(), business_id, at, wanted["from"] or "")
    return jsonify(
        {
            "at": clock.stamp(at),
            "from": found.number,
            "open": found.opening.is_open,
            "reason": found.opening.reason,
            "steps": [
                {
                    "depth": told.line.depth,
                    "key": told.line.key,
                    "kind": told.line.step.kind,
                    "target": told.line.step.target,
                    "words": f"{told.lead}: {told.words}" if told.lead else told.words,
                }
                for told in found.lines
            ],
        }
    )
