"""Audio of the built-in engine: RTP endpoints, the relay between them, prompts, digits and recordings.

Owns: sockets, packets, pacing, G.711, WAV files. Leaves out: SIP and SDP (the engine tells addresses and codecs).
"""

from appliance.switch.builtin.media.endpoint import RtpEndpoint
from appliance.switch.builtin.media.ports import PortPool, PortsExhausted
from appliance.switch.builtin.media.recorder import RecorderThread
from appliance.switch.builtin.media.wav import repair

__all__ = ["PortPool", "PortsExhausted", "RecorderThread", "RtpEndpoint", "repair"]
