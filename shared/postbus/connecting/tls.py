"""TLS to servers that people name: certificates are checked, own authorities are possible."""

import ssl
from functools import lru_cache
from pathlib import Path

from postbus.errors import MailHostUnavailable, NotConfigured


class TlsContexts:
    """A context for each set of authorities, made once: the system's are a megabyte of memory."""

    def __init__(self, ca_file: Path | None = None) -> None:
        self._ca_file = ca_file
        self._context = lru_cache(maxsize=64)(self._make)

    def context(self, ca_certificates: str | None = None) -> ssl.SSLContext:
        """For the system's authorities, those of the deployment, and these (PEM).

        NotConfigured when they are no certificates.
        """
        return self._context(ca_certificates)

    def _make(self, ca_certificates: str | None) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            if self._ca_file is not None:
                context.load_verify_locations(cafile=str(self._ca_file))
            if ca_certificates is not None:
                context.load_verify_locations(cadata=ca_certificates)
        except (OSError, ValueError) as error:
            raise NotConfigured("the authorities to trust are no certificates in PEM") from error
        return context


def tls_refused(host: str, error: ssl.SSLError) -> MailHostUnavailable:
    """Why there is no protected connection, in words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return MailHostUnavailable(
            f"the certificate of {host} is not trusted: {error.verify_message}",
            reason="certificate",
            advice="Give the name that the certificate is made for; for a certificate of your own "
            "authority, give that authority's certificate along (`ca_certificates`).",
        )
    if error.reason == "WRONG_VERSION_NUMBER":
        return MailHostUnavailable(
            f"{host} does not speak TLS at this port",
            reason="tls",
            advice="Choose `starttls` here, or the port for implicit TLS (993 for IMAP, 465 for "
            "SMTP).",
        )
    return MailHostUnavailable(
        f"no TLS with {host}: {error.reason or error}",
        reason="tls",
        advice="The server must speak TLS 1.2 or newer.",
    )
