"""A prompt or music on its way to a party: which 20 ms come next, and when it is over."""

import asyncio

from appliance.switch.builtin.media.g711 import FRAME


class Prompt:
    """Sounds played one after another, or over and over."""

    def __init__(self, *, stop_on: str = "", over_and_over: bool = False) -> None:
        self.stop_on = stop_on
        self.over_and_over = over_and_over
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.sound: bytes | None = None  # µ-law; None while it is being loaded
        self._at = 0

    def next_frame(self) -> bytes | None:
        """20 ms of µ-law; None at the end."""
        sound = self.sound
        assert sound is not None
        if self._at >= len(sound):
            if not self.over_and_over or not sound:
                return None
            self._at = 0
        frame = sound[self._at : self._at + FRAME]
        self._at += FRAME
        if len(frame) == FRAME:
            return frame
        if self.over_and_over:  # join the end to the beginning without a gap
            self._at = FRAME - len(frame)
            return (frame + sound[: self._at]).ljust(FRAME, b"\xff")
        return frame.ljust(FRAME, b"\xff")

    def end(self, result: str = "") -> None:
        """Tell whoever waits for the end."""
        if not self.ended.done():
            self.ended.set_result(result)
