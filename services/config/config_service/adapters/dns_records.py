"""Asks DNS for TXT records, by dnspython."""

import dns.asyncresolver
import dns.exception
import dns.rdatatype
import dns.resolver

from postbus.errors import TemporaryError

_SECONDS = 8.0


class DnsRecords:
    """The port `TxtRecords`; asks the resolver of the machine, or `server` (address:port)."""

    def __init__(self, server: str | None = None) -> None:
        self._server = server

    async def __call__(self, name: str) -> tuple[str, ...]:
        try:
            answer = await self._resolver().resolve(name, dns.rdatatype.TXT, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return ()
        except (dns.exception.DNSException, OSError) as error:
            raise TemporaryError(f"{type(error).__name__}: {error}") from error
        # Strings of one record are joined without a blank (RFC 6376 §3.6.2.2).
        return tuple(b"".join(one.strings).decode(errors="replace") for one in answer)

    def _resolver(self) -> dns.asyncresolver.Resolver:
        """A new one each time: nothing is remembered, and a changed resolv.conf is followed."""
        resolver = dns.asyncresolver.Resolver(configure=self._server is None)
        if self._server is not None:
            host, _, port = self._server.rpartition(":")
            resolver.nameservers, resolver.port = [host.strip("[]")], int(port)
        resolver.lifetime = _SECONDS
        return resolver
