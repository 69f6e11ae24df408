"""Calls the box places to its own people: to show that a phone works, and to have a prompt spoken."""

import asyncio
import tempfile
from pathlib import Path

from appliance.errors import Conflict
from appliance.flows.session import Office
from appliance.i18n import gettext as _
from appliance.switch.errors import CallRejected, LegGone
from appliance.switch.port import ExtensionTarget, Leg, Party

RING_SECONDS = 30.0
LONGEST_PROMPT_SECONDS = 120.0


class PhoneNotAnswered(Conflict):
    """The phone was not picked up."""

    code = "phone-not-answered"


async def _reach(office: Office, extension: str) -> Leg:
    """Ring a phone until it is picked up. Raises PhoneNotAnswered."""
    leg: Leg | None = None
    answered = False
    try:
        async with asyncio.timeout(RING_SECONDS):
            leg = await office.switch.call(ExtensionTarget(extension), show=Party("", "Frontdesk"))
            await leg.wait_answered()
        answered = True
        return leg
    except CallRejected as rejected:
        raise PhoneNotAnswered(
            _("The phone with extension %(extension)s was not answered (%(cause)s).",
              extension=extension, cause=rejected.cause.value),
            hint=_("Is it registered? The phone's own display and “frontdesk doctor” tell."),
        ) from rejected  # fmt: skip
    except TimeoutError:
        raise PhoneNotAnswered(
            _("The phone with extension %(extension)s rang and nobody picked up.", extension=extension)
        ) from None
    finally:
        if leg is not None and not answered:
            await asyncio.shield(asyncio.ensure_future(leg.hang_up()))


async def ring_phone(office: Office, extension: str) -> None:
    """Ring a phone; whoever picks up is told that it works. Raises PhoneNotAnswered."""
    leg = await _reach(office, extension)
    try:
        await leg.play([await office.sounds.sound("your_phone_works", office.directory.language)])
    except LegGone:
        pass  # heard enough
    finally:
        await leg.hang_up()


async def record_prompt(office: Office, extension: str, business_id: str, prompt: str, language: str) -> float:
    """Ring a phone and keep what is spoken after the tone as a prompt; its seconds.

    Raises PhoneNotAnswered, Invalid.
    """
    leg = await _reach(office, extension)
    try:
        spoken_in = office.directory.language
        await leg.play([await office.sounds.sound("record_after_tone", spoken_in), await office.sounds.tone()])
        with tempfile.TemporaryDirectory(dir=office.settings.home) as folder:
            sound = await leg.record_party(
                Path(folder) / "prompt.wav", most_seconds=LONGEST_PROMPT_SECONDS, silence_seconds=5, stop_on="#"
            )
            kept = await office.sounds.save_phone_recording(business_id, prompt, language, sound.path)
        if leg.ended is None:
            await leg.play([await office.sounds.sound("prompt_saved", spoken_in)])
        return kept.seconds
    except LegGone:
        raise PhoneNotAnswered(_("The phone hung up before anything was recorded.")) from None
    finally:
        await leg.hang_up()
