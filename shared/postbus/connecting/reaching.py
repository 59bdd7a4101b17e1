"""Opens sockets to servers that people name, and only to addresses that may be reached.

Whoever may write the configuration could otherwise have a service inside the network knock at other
services inside it (server-side request forgery). The name is resolved once and the address that was
checked is the one that is connected to, so that a name cannot change its mind in between.
"""

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from postbus.errors import MailHostUnavailable

_NOT_ALLOWED = (
    "Ask whoever runs Postbus to set ALLOW_PRIVATE_HOSTS if this server really is inside the "
    "private network."
)


@dataclass(frozen=True)
class Reach:
    """Where connections may go: anywhere on the Internet, and inside only if that is allowed."""

    allow_private: bool = False

    def connect(self, host: str, port: int, *, timeout_seconds: float) -> socket.socket:
        """A connected socket, to the first address that answers; it blocks.

        Raises:
            MailHostUnavailable: with the reason `name-unknown`, `private-address`, `unreachable`
                or `timeout`.
        """
        last: OSError | None = None
        for family, address in self._allowed(host, port):
            connection = socket.socket(family, socket.SOCK_STREAM)
            connection.settimeout(timeout_seconds)
            try:
                connection.connect((address, port))
            except OSError as error:
                connection.close()
                last = error
            else:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return connection
        raise unreachable(host, port, last) from last

    def addresses(self, host: str, port: int) -> Sequence[str]:
        """The addresses of a server that may be connected to, at least one; it blocks.

        Raises:
            MailHostUnavailable: with the reason `name-unknown` or `private-address`.
        """
        return [address for _, address in self._allowed(host, port)]

    def _allowed(self, host: str, port: int) -> Sequence[tuple[socket.AddressFamily, str]]:
        found = _resolve(host, port)
        allowed = [one for one in found if self.allow_private or _is_public(one[1])]
        if not allowed:
            raise MailHostUnavailable(
                f"{host} is an address inside a private network ({found[0][1]})",
                reason="private-address",
                advice=_NOT_ALLOWED,
            )
        return allowed


def names_of(host: str, port: int) -> str:
    """The addresses of a server, in words; it blocks.

    Raises:
        MailHostUnavailable: its name has none.
    """
    return ", ".join(sorted({address for _, address in _resolve(host, port)}))


def _resolve(host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
    bare = host.removeprefix("[").removesuffix("]")
    try:
        found = socket.getaddrinfo(bare, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise MailHostUnavailable(
            f"the name {host} has no address",
            reason="name-unknown",
            advice="Check how the server's name is spelt.",
        ) from error
    return [(one[0], str(one[4][0])) for one in found]


_HOLDS_IPV4 = tuple(ipaddress.IPv6Network(one) for one in ("::/96", "64:ff9b::/96"))
"""IPv4 in the last four bytes: compatible (RFC 4291 §2.5.5.1), and behind NAT64 (RFC 6052)."""
_LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")
"""RFC 8215; ipaddress knows it since Python 3.13 only."""


def _is_public(address: str) -> bool:
    """Whether it is on the Internet (RFC 6890); IPv4 in IPv6 is judged as IPv4."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    one: ipaddress.IPv4Address | ipaddress.IPv6Address = parsed
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed in _LOCAL_NAT64:
            return False
        one = _ipv4_in(parsed) or parsed
    return one.is_global and not one.is_multicast


def _ipv4_in(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    inside = address.ipv4_mapped or address.sixtofour
    if inside is None and any(address in network for network in _HOLDS_IPV4):
        return ipaddress.IPv4Address(address.packed[-4:])
    return inside


def unreachable(host: str, port: int, error: OSError | None) -> MailHostUnavailable:
    """Why nobody answers there, in words."""
    if isinstance(error, TimeoutError):
        return MailHostUnavailable(
            f"{host} did not answer at port {port} in time",
            reason="timeout",
            advice="Check the port, and whether a firewall lets Postbus out to this server.",
        )
    why = error.strerror if error is not None and error.strerror else "no connection"
    return MailHostUnavailable(
        f"{host} cannot be reached at port {port}: {why}",
        reason="unreachable",
        advice="Check the server's name and port, and whether it is running.",
    )
