"""Which trunk a request comes from (the known-trunk rule).

A peer with a port is that very address and port; without one, or as a network, its address; a carrier we register
with, the addresses of its registrar. Owns: the rule. Leaves out: registering and pings (trunk_client.py).
"""

import ipaddress
from collections.abc import Iterable

from appliance.switch.builtin import uris
from appliance.switch.builtin.addresses import Resolver, split_host
from appliance.switch.builtin.wire import Place, Request
from appliance.switch.port import TrunkAccount


class Trunks:
    """The trunks of the configuration."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self.accounts: dict[str, TrunkAccount] = {}

    def configure(self, accounts: Iterable[TrunkAccount]) -> None:
        """Take the trunks of a new configuration."""
        self.accounts = {account.trunk_id: account for account in accounts}

    def is_known(self, place: Place) -> bool:
        """Whether packets from there may be a trunk's; of TCP only the address can tell."""
        return any(
            _covers(account, place.host, self._resolver)
            and (place.transport == "tcp" or _port(account) in (None, place.port))
            for account in self.accounts.values()
        )

    def is_known_host(self, host: str) -> bool:
        """Whether some trunk sends from that host."""
        return any(_covers(account, host, self._resolver) for account in self.accounts.values())

    def of(self, request: Request, *, from_phone: bool = False) -> TrunkAccount | None:
        """The trunk a request comes from; the one that says most about itself where several fit.

        ``from_phone``: a registered phone sends from exactly there. Phones may share the address of a trunk (behind one
        NAT, in a network that is a trunk), so then an address alone makes no trunk.
        """
        port = request.source.port
        if request.source.transport == "tcp":
            port = request.via.port or 5060
        fitting = [
            account
            for account in self.accounts.values()
            if _covers(account, request.source.host, self._resolver)
            and (_port(account) == port or (_port(account) is None and not from_phone))
        ]
        users = {uris.user_of(request.uri), uris.user_of(request.to.uri)}
        fitting.sort(key=lambda a: (_port(a) is None, not (a.username and a.username in users), "/" in a.host))
        return fitting[0] if fitting else None


def _port(account: TrunkAccount) -> int | None:
    """The port a peer must send from; None when any will do."""
    if account.kind == "register" or "/" in account.host:
        return None
    try:
        _, port = split_host(account.host, default_port=0)
    except ValueError:
        return None
    return port or None


def _covers(account: TrunkAccount, host: str, resolver: Resolver) -> bool:
    try:
        if "/" in account.host:
            return ipaddress.ip_address(host) in ipaddress.ip_network(account.host, strict=False)
        return host in resolver.known(split_host(account.host)[0])
    except ValueError:
        return False
