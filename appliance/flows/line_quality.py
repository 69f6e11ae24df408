"""How a call sounded on each of its legs, for the books."""

from typing import Any

from appliance.calls import quality
from appliance.calls.models import Kind
from appliance.flows.session import CallRun
from appliance.switch.port import Leg

LEAST_PACKETS = 50  # a second of sound; less says nothing


def note_quality(run: CallRun) -> None:
    """Enter the figures of every leg that has ended and had sound; nobody waits for it."""
    for leg in run.legs:
        detail = _figures(leg)
        if detail is not None:
            run.note_soon(Kind.LINE_QUALITY, leg=_whose(run, leg), **detail)


def _figures(leg: Leg) -> dict[str, Any] | None:
    told = leg.figures()
    if told.packets_received < LEAST_PACKETS:
        return None
    loss = told.packets_lost / (told.packets_received + told.packets_lost)
    detail: dict[str, Any] = {
        "codec": told.codec,
        "received": told.packets_received,
        "lost": told.packets_lost,
        "loss_percent": round(100 * loss, 1),
        "jitter_ms": round(told.jitter_ms, 1),
        "mos": float(told.extra.get("mos") or quality.mos(loss, told.jitter_ms)),
    }
    # what the other side tells of what it heard from us (RTCP), where it does
    for name in ("lost_at_far_end", "round_trip_ms"):
        if name in told.extra:
            detail[name] = float(told.extra[name])
    if told.user_agent:
        detail["user_agent"] = told.user_agent[:80]
    return detail


def _whose(run: CallRun, leg: Leg) -> str:
    if run.is_ours(leg):
        return "agent"
    return "caller" if leg is run.caller else "callee"
