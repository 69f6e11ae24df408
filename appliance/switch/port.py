"""The port: Switch and Leg.

A leg is one party's channel. An incoming leg comes as a ``CallOffered`` event; an outgoing one from ``Switch.call()``.
Every verb of a leg that ended, or ends while the verb waits, raises ``LegGone``; ``hang_up`` and the ``stop_*`` verbs
never do, and may be repeated. Verbs are cancellable: a cancelled ``play`` falls silent at once.

Sounds are files: WAV, 8 kHz, mono, 16 bit. Times are seconds. Numbers are as dialled, E.164
where the flow knows better.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from appliance.switch.causes import Cause
from appliance.switch.errors import NotSupported
from appliance.switch.events import LegEvent, SwitchEvent

Direction = Literal["in", "out"]


@dataclass(frozen=True)
class Party:
    """Who is shown: a number ("" when withheld) and a name ("" when unknown)."""

    number: str
    name: str = ""


@dataclass(frozen=True)
class ExtensionTarget:
    """Ring every phone registered for an extension; the first to answer has the call."""

    extension: str


@dataclass(frozen=True)
class TrunkTarget:
    """Dial a number over a trunk."""

    trunk_id: str
    number: str


Target = ExtensionTarget | TrunkTarget
ListenMode = Literal["listen", "whisper", "join"]


@dataclass(frozen=True)
class PhoneAccount:
    """What a phone signs in with: user name = extension."""

    extension: str
    password: str
    name: str = ""


@dataclass(frozen=True)
class TrunkAccount:
    """Our account at a carrier (``register``), a machine known by its address (``peer``), or a network of them."""

    trunk_id: str
    kind: Literal["peer", "register"]
    host: str  # "host", "host:port"; a peer may be a network: "192.168.1.0/24"
    transport: Literal["udp", "tcp"] = "udp"
    username: str = ""
    password: str = ""


@dataclass(frozen=True)
class Standby:
    """What a switch that outlives the core does by itself with calls to these numbers: ring, then take a message.

    ``sounds``: ``no_one_answers``, ``leave_message``, ``message_saved`` as files, in the business's own voice.
    """

    business_id: str
    numbers: Sequence[str]
    extensions: Sequence[str] = ()
    ring_seconds: int = 20
    voicemail_seconds: int = 120
    sounds: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class SwitchConfig:
    """All a switch must know. Given again whenever it changes; calls under way are never touched by that."""

    phones: Sequence[PhoneAccount] = ()
    trunks: Sequence[TrunkAccount] = ()
    standby: Sequence[Standby] = ()  # for an engine that lives on when the core dies; the others leave it


@dataclass(frozen=True)
class Binding:
    """One phone that registered for an extension (RFC 3261 §10)."""

    extension: str
    contact: str
    source: str  # "udp:192.0.2.7:5060"
    user_agent: str = ""
    registered_at: str = ""
    expires_at: str = ""


@dataclass(frozen=True)
class LegEnded:
    """How a leg ended: why, and whether the party on it hung up (True) or we did (False)."""

    cause: Cause
    by_party: bool


@dataclass(frozen=True)
class CallMeanwhile:
    """A call that a switch which outlives the core dealt with by itself, or saw end, while no core was there.

    Times are seconds since 1970, 0 for what has not happened. ``business_id`` is empty for a call among our phones, and
    for one that a core knew before it died: ``began_at`` is 0 then.
    """

    leg_id: str
    business_id: str = ""
    trunk_id: str = ""
    dialled: str = ""
    caller: str = ""
    began_at: int = 0
    ended_at: int = 0
    ended: LegEnded | None = None  # None while it goes on
    answered_by: str = ""  # the extension whose phone was picked up
    bridged_at: int = 0
    message: Path | None = None  # what the caller left


@dataclass(frozen=True)
class RecordedSound:
    """A finished recording file."""

    path: Path
    seconds: float
    channels: int
    ended_by: Literal["caller", "digit", "silence", "limit", "stop"] = "stop"
    digit: str = ""


@dataclass(frozen=True)
class Origin:
    """Where an incoming leg comes from: a trunk's id, or the extension whose phone proved its password."""

    kind: Literal["trunk", "extension"]
    name: str


@dataclass
class CallFigures:
    """What the sound that came from a leg's party looked like.

    ``extra`` may have ``mos``, and what the party tells of what it heard (RTCP): ``lost_at_far_end`` (packets),
    ``round_trip_ms``.
    """

    packets_received: int = 0
    packets_lost: int = 0
    jitter_ms: float = 0.0
    codec: str = ""
    user_agent: str = ""
    extra: dict[str, str] = field(default_factory=dict)


class Leg(ABC):
    """One party's channel."""

    leg_id: str
    direction: Direction
    party: Party  # who is on it: the caller of an incoming leg, the callee of an outgoing one
    dialled: str  # incoming: the number or extension asked for, as it came; outgoing: what we dialled
    origin: Origin | None  # of an incoming leg
    sip_call_id: str  # the engine's own name of the leg, for logs and traces

    @property
    @abstractmethod
    def is_answered(self) -> bool:
        """Whether the party has picked up, or we have (incoming), and the leg has not ended."""

    @property
    @abstractmethod
    def ended(self) -> LegEnded | None:
        """How it ended; None while it lives."""

    @abstractmethod
    async def wait_ended(self) -> LegEnded:
        """Wait until it ends. Never raises LegGone."""

    @abstractmethod
    def events(self) -> AsyncIterator[LegEvent]:
        """What happens on this leg from now on (digits, hold, transfer asked); ends when the leg ends.

        Each call of events() is a subscription of its own.
        """

    # --- an incoming leg, before the answer ---
    @abstractmethod
    async def ring(self, *, early_audio: bool = False) -> None:
        """Let the caller hear ringing (180).

        With ``early_audio`` the way for sound is opened before the answer (183 with SDP, RFC 3960): the leg may then be
        bridged with one that rings and has something to say.
        """

    @abstractmethod
    async def answer(self) -> None:
        """Pick up (200); returns when the caller has confirmed it (ACK). Nothing happens if already answered."""

    @abstractmethod
    async def reject(self, cause: Cause) -> None:
        """Refuse an unanswered incoming call. On any other leg the same as hang_up."""

    # --- an outgoing leg, before the answer ---
    @abstractmethod
    async def wait_answered(self) -> None:
        """Wait for the party to pick up. Raises CallRejected with the cause. Bound it with asyncio.timeout()."""

    # --- an answered leg ---
    @abstractmethod
    async def play(self, sounds: Sequence[Path], *, stop_on: str = "") -> str:
        """Play the files one after another; returns "" at the end, or the digit in ``stop_on`` that cut it short."""

    @abstractmethod
    async def start_music(self, sound: Path) -> None:
        """Play a file over and over, in place of what is being played, until stop_music, play or a bridge."""

    @abstractmethod
    async def stop_music(self) -> None:
        """Fall silent."""

    @abstractmethod
    async def collect_digits(
        self, *, most: int, first_seconds: float, between_seconds: float = 3.0, ends_with: str = "#"
    ) -> str:
        """Digits the party presses from now on, without the ending one; "" when none came in ``first_seconds``."""

    @abstractmethod
    async def send_digits(self, digits: str) -> None:
        """Press digits towards the party (RFC 4733)."""

    @abstractmethod
    async def record_party(
        self, path: Path, *, most_seconds: float, silence_seconds: float = 0.0, stop_on: str = "#"
    ) -> RecordedSound:
        """Record what this party says into a mono file: to the limit, a digit, a silence, or the end of the leg.

        When the leg ends meanwhile the file is finished and returned with ``ended_by="caller"``, not LegGone.
        Cancelled, the file is finished and left. The folder must exist.
        """

    @abstractmethod
    async def start_recording(self, path: Path) -> None:
        """Record the conversation into a two-channel file: left what this party says, right what it hears.

        Ends with stop_recording or with the leg. The file is playable to its last second whatever happens.
        """

    @abstractmethod
    async def stop_recording(self) -> RecordedSound | None:
        """Finish the file of start_recording; None when there is none. Also gives it after the leg has ended."""

    @abstractmethod
    async def hang_up(self, cause: Cause = Cause.NORMAL) -> None:
        """End the leg, whatever its state (BYE, CANCEL or a refusal)."""

    @abstractmethod
    def figures(self) -> CallFigures:
        """The media figures so far."""


@dataclass(frozen=True)
class Survivor:
    """A leg that outlived the core which carried it."""

    leg: Leg
    tag: str = ""  # what call() was given for it
    bridged_with: Leg | None = None
    bridged_at: float = 0.0  # seconds since 1970; 0 when it is not
    recording: Path | None = None  # the file that start_recording() began, still being written
    is_left_alone: bool = False  # speaks into a message; the switch sees it to its end


class Switch(ABC):
    """A telephone switch."""

    name: str  # "builtin", "freeswitch", "simulator"
    hold_music: Path | None = None  # what a party hears whom the other one holds
    outlives_office: bool = False  # whether calls go on when the office is stopped in order
    outlives_core: bool = False  # whether calls go on, and are found again, when the process of the core ends

    @abstractmethod
    async def start(self, config: SwitchConfig, bindings: Sequence[Binding] = ()) -> None:
        """Listen, register the trunks; ``bindings`` are the phones known before a restart. Raises PortTaken."""

    @abstractmethod
    async def configure(self, config: SwitchConfig) -> None:
        """Take a new configuration; only what changed is touched."""

    @abstractmethod
    async def stop(self) -> None:
        """Hang up everything (cause ``interrupted``), unregister, close. Safe to repeat."""

    @abstractmethod
    def events(self) -> AsyncIterator[SwitchEvent]:
        """Calls offered, registrations, trunk states. One consumer."""

    @abstractmethod
    def bindings(self, extension: str | None = None) -> Sequence[Binding]:
        """The phones registered now, of one extension or of all."""

    @abstractmethod
    async def call(
        self,
        target: Target,
        *,
        show: Party,
        headers: dict[str, str] | None = None,
        tag: str = "",
        waiting: Leg | None = None,
    ) -> Leg:
        """Place a call showing ``show`` as the caller; the leg is returned while it rings.

        ``tag`` is a word that the leg still carries when it outlives the core. ``waiting`` is the leg for whom this is
        done: a switch that outlives the core connects the two by itself if nobody is there when the call is answered.
        Raises CallRejected at once when there is nothing to ring (NOT_REGISTERED, SERVICE_UNAVAILABLE).
        """

    def survivors(self) -> Sequence[Survivor]:
        """The legs that have outlived the last core, after start(): in our hands, bridged, or left alone."""
        return ()

    async def meanwhile(self, known: Iterable[str] = ()) -> Sequence[CallMeanwhile]:
        """What the switch did and saw end without us, oldest first; kept until forget().

        There may be more than one answer holds: the legs in ``known`` are in it for certain.
        """
        return ()

    async def forget(self, leg_id: str) -> None:  # noqa: B027  there is nothing to forget where nothing is kept
        """That leg is in the books with its end. Safe to repeat."""

    @abstractmethod
    async def bridge(self, first: Leg, second: Leg) -> None:
        """Let two legs hear each other, answered or with early audio; returns as soon as they do.

        Ends with either leg, or unbridge. Hold is the switch's business: a party that holds (re-INVITE) lets the other
        hear music, and tells (LegHeld). The other leg of a bridge that lost its party lives on, in silence.
        """

    async def listen_in(self, listener: Leg, talker: Leg, mode: ListenMode) -> None:
        """Let an answered leg into the conversation of another: ``listen`` hears both and is heard by nobody,
        ``whisper`` is heard by ``talker`` alone, ``join`` by both. Called again it changes the mode.

        Ends with the listener or the talker; the conversation is not touched by either. Raises LegGone, NotSupported.
        """
        raise NotSupported(self.name)

    @abstractmethod
    async def unbridge(self, leg: Leg) -> None:
        """Part a leg from the one it is bridged with; both live on, in silence."""
