"""By which address others reach this machine."""

import socket

from appliance.config import Settings

EVERYWHERE = "0.0.0.0"  # noqa: S104  compared, not bound


def routed_address() -> str:
    """The address from which this machine would send; "" where there is no network. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET: no packet is sent, the routing table is asked
            return str(probe.getsockname()[0])
        except OSError:
            return ""


def bound_address(settings: Settings) -> str:
    """The address that the office listens on: the one bound, else the routed one; the loopback where there is none."""
    return settings.bind if settings.bind != EVERYWHERE else routed_address() or "127.0.0.1"


def local_address(settings: Settings) -> str:
    """The address to tell others: the one advertised, else the one bound."""
    return settings.advertise or bound_address(settings)
