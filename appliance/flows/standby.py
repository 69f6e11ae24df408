"""What a switch that outlives the core says when it has to answer by itself.

Owns: which sounds. Leaves out: whose phones ring (directory.py), what is done with it (the engine).
"""

import dataclasses
from collections.abc import Iterable

from appliance.flows.directory import Business
from appliance.prompts.library import PromptLibrary
from appliance.switch.port import Standby

PROMPTS = ("no_one_answers", "leave_message", "message_saved")


async def with_sounds(
    standby: Iterable[Standby], businesses: dict[str, Business], library: PromptLibrary
) -> tuple[Standby, ...]:
    """The same with what is said to callers, in each business's own voice; waits until the sounds are made."""
    done = []
    for one in standby:
        business = businesses[one.business_id]
        sounds = {
            prompt: await library.sound(
                prompt,
                business.language,
                business_id=business.business_id,
                business_name=business.name,
                patience=None,
            )
            for prompt in PROMPTS
        }
        done.append(dataclasses.replace(one, sounds=sounds))
    return tuple(done)
