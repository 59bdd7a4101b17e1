"""Which servers are trusted, by a real handshake."""

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from postbus.connecting import TlsContexts
from postbus.connecting.tls import tls_refused
from postbus.errors import NotConfigured
from servers.google import CERTIFICATE


@pytest.fixture
def port() -> Iterator[int]:
    """A server with the certificate of localhost, that hangs up after the handshake."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            try:
                context.wrap_socket(connection, server_side=True).close()
            except OSError:
                connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listening.getsockname()[1]
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join(5)


def shake_hands(context: ssl.SSLContext, port: int, name: str = "localhost") -> str | None:
    """The protocol that was agreed on."""
    with (
        socket.create_connection(("127.0.0.1", port), 3) as connection,
        context.wrap_socket(connection, server_hostname=name) as protected,
    ):
        return protected.version()


@pytest.mark.parametrize("by", ["deployment", "channel"])
def test_an_own_authority_is_trusted(port: int, by: str) -> None:
    if by == "deployment":
        context = TlsContexts(CERTIFICATE).context()
    else:
        context = TlsContexts().context(CERTIFICATE.read_text())
    assert shake_hands(context, port) in ("TLSv1.2", "TLSv1.3")
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(context, port, "imap.example.com")


def test_trust_in_the_authority_of_one_channel_is_not_that_of_another(port: int) -> None:
    """INVARIANT: who may write one channel cannot have another's server impersonated."""
    contexts = TlsContexts()
    contexts.context(CERTIFICATE.read_text())
    with pytest.raises(ssl.SSLCertVerificationError) as raised:
        shake_hands(contexts.context(), port)
    refused = tls_refused("localhost", raised.value)
    assert refused.reason == "certificate"
    assert "ca_certificates" in refused.advice


def test_a_context_is_made_once() -> None:
    contexts = TlsContexts()
    assert contexts.context() is contexts.context()
    assert contexts.context().minimum_version is ssl.TLSVersion.TLSv1_2


def test_what_is_no_certificate_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(NotConfigured):
        TlsContexts().context("no certificate")
    with pytest.raises(NotConfigured):
        TlsContexts(tmp_path / "missing.pem").context()
