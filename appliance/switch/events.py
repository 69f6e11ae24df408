"""What a switch tells: past-tense facts. Dataclasses without behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from appliance.switch.port import Leg


@dataclass(frozen=True)
class CallOffered:
    """A call has come in, from a known trunk or a phone that proved its password; it waits for ring/answer/reject."""

    leg: Leg


@dataclass(frozen=True)
class PhonesChanged:
    """A phone registered, left or expired."""

    extension: str


@dataclass(frozen=True)
class TrunkChanged:
    """A trunk came up or went down; ``reason`` is for a person ("wrong password", "no answer")."""

    trunk_id: str
    state: Literal["unknown", "up", "down"]
    reason: str = ""


SwitchEvent = CallOffered | PhonesChanged | TrunkChanged


@dataclass(frozen=True)
class DigitPressed:
    """The party pressed a key: 0-9, *, #, A-D."""

    digit: str


@dataclass(frozen=True)
class LegRang:
    """The party's phone began to ring (180, 183); of an outgoing leg.

    Told again with ``has_audio`` when the network begins to say something before the answer.
    """

    has_audio: bool = False


@dataclass(frozen=True)
class LegHeld:
    """The party put us on hold."""


@dataclass(frozen=True)
class LegResumed:
    """The party took us back."""


@dataclass(frozen=True)
class TransferAsked:
    """The party asked (REFER) that whoever it talks with be sent to ``target`` (a number or extension as dialled).

    ``replaces`` names the leg of an attended transfer (leg_id), empty for a blind one. The flow must answer with
    ``accept`` or ``refuse``: the party's phone is told by NOTIFY (RFC 3515).
    """

    target: str
    replaces: str
    answer: TransferAnswer


class TransferAnswer:
    """How a flow answers a TransferAsked; engines subclass it."""

    async def succeeded(self) -> None:
        """The transfer went through (NOTIFY 200)."""
        raise NotImplementedError

    async def failed(self, sip_status: int = 503) -> None:
        """The transfer did not go through; the party has its call back."""
        raise NotImplementedError


LegEvent = DigitPressed | LegRang | LegHeld | LegResumed | TransferAsked
