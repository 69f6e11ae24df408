"""The table of addresses: from it come the routes, the checks and the OpenAPI document."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask.typing import ResponseReturnValue

from appliance.calls.models import FINAL_STATES, LIVE_STATES
from web.api import asked, opening, views
from web.api import menus as api_menus
from web.api.asked import Parameter


@dataclass(frozen=True)
class Route:
    """One address and method; ``answer`` names a schema, or is "audio/wav"."""

    method: str
    path: str
    view: Callable[..., ResponseReturnValue]
    summary: str
    answer: str
    parameters: tuple[Parameter, ...] = ()
    body: str = ""
    refusals: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """The operation's id."""
        return self.view.__name__

    @property
    def in_path(self) -> list[str]:
        """The names in the path."""
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]


CALL_STATES = (*LIVE_STATES, *FINAL_STATES, "live")
_CALL_STATE: dict[str, Any] = {"type": "string", "enum": list(CALL_STATES)}
_MESSAGE_STATE: dict[str, Any] = {"type": "string", "enum": ["open", "all"], "default": "all"}

_TIME = {"type": "string", "examples": ["2026-11-24T09:30:00Z"]}
_DAY = {"type": "string", "format": "date"}

ROUTES = (
    Route(
        "GET",
        "/api/v1/calls",
        views.list_calls,
        "Calls, newest first",
        "CallPage",
        (
            asked.BUSINESS,
            asked.SINCE,
            asked.UNTIL,
            Parameter(
                "state", asked.one_of(*CALL_STATES), _CALL_STATE, "Only calls in this state; live: all going on."
            ),
            asked.AGENT,
            asked.SEARCH,
            asked.LIMIT,
            asked.BEFORE,
        ),
    ),
    Route("GET", "/api/v1/calls/{call_id}", views.show_call, "One call with its timeline", "CallWithTimeline"),
    Route(
        "GET",
        "/api/v1/messages",
        views.list_messages,
        "Messages, newest first",
        "MessagePage",
        (
            asked.BUSINESS,
            asked.SINCE,
            asked.UNTIL,
            Parameter("state", asked.one_of("open", "all"), _MESSAGE_STATE, "open: only what nobody has dealt with."),
            asked.SEARCH,
            asked.LIMIT,
            asked.BEFORE,
        ),
    ),
    Route("GET", "/api/v1/messages/{message_id}", views.show_message, "One message", "Message"),
    Route("POST", "/api/v1/messages/{message_id}/done", views.finish_message, "Mark a message as done", "Message"),
    Route("POST", "/api/v1/messages/{message_id}/open", views.reopen_message, "Mark a message as open", "Message"),
    Route(
        "POST",
        "/api/v1/calls/{call_id}/listen",
        views.listen_in,
        "Ring a phone and let it listen to a call, whisper to the agent, or step in; again to change that",
        "Listening",
        body="ListenIn",
        refusals=(409, 503),
    ),
    Route("GET", "/api/v1/agents", views.list_agents, "Agents and their states", "AgentPage", (asked.BUSINESS,)),
    Route("GET", "/api/v1/agents/{agent_id}", views.show_agent, "One agent", "Agent"),
    Route(
        "PATCH",
        "/api/v1/agents/{agent_id}",
        views.change_agent,
        "Choose an agent's status",
        "Agent",
        body="AgentStatus",
    ),
    Route("GET", "/api/v1/businesses", opening.list_businesses, "Businesses, and whether each is open", "BusinessPage"),
    Route("GET", "/api/v1/businesses/{business_id}", opening.show_business, "One business", "Business"),
    Route(
        "PATCH",
        "/api/v1/businesses/{business_id}",
        opening.change_business,
        "Change when a business is open",
        "Business",
        body="BusinessHours",
    ),
    Route(
        "POST",
        "/api/v1/businesses/{business_id}/close",
        opening.close_business,
        "Switch a business to closed",
        "Business",
        body="ClosedUntil",
    ),
    Route(
        "POST",
        "/api/v1/businesses/{business_id}/open",
        opening.open_business,
        "Let a business follow its hours again",
        "Business",
    ),
    Route(
        "GET",
        "/api/v1/businesses/{business_id}/calendar",
        opening.show_calendar,
        "What is open on each day, and why",
        "DayPage",
        (
            Parameter("first", opening.read_day, _DAY, "The first day; left out: today."),
            Parameter("last", opening.read_day, _DAY, "The last day; left out: thirty days later."),
        ),
    ),
    Route(
        "GET",
        "/api/v1/businesses/{business_id}/menus",
        api_menus.list_menus,
        "The menus of a business",
        "MenuPage",
    ),
    Route(
        "PUT",
        "/api/v1/businesses/{business_id}/menus/{menu_id}",
        api_menus.save_menu,
        "Make or change a menu",
        "Menu",
        body="MenuChange",
    ),
    Route(
        "DELETE",
        "/api/v1/businesses/{business_id}/menus/{menu_id}",
        api_menus.delete_menu,
        "Remove a menu",
        "MenuPage",
    ),
    Route(
        "GET",
        "/api/v1/businesses/{business_id}/dry-run",
        api_menus.dry_run,
        "What happens to a call, step by step",
        "DryRun",
        (
            Parameter("at", asked.moment, _TIME, "When the call comes; left out: now."),
            Parameter("from", asked.text_of, {"type": "string"}, "The caller's number."),
        ),
    ),
    Route("GET", "/api/v1/status", views.show_status, "How the office is", "Status"),
    Route(
        "GET",
        "/api/v1/recordings/{recording_id}",
        views.play_recording,
        "A recording",
        "audio/wav",
        refusals=(416,),
    ),
)
