"""Opens IMAP connections: reached safely, protected, signed in. Everything here blocks a thread."""

import ssl
from contextlib import suppress
from dataclasses import dataclass

from imapclient import SocketTimeout
from pydantic import SecretStr

from ingest_imap.adapters.imap_errors import connect_errors, sign_in_errors
from postbus.connecting import AccessTokens, Reach, TlsContexts, read_google
from postbus.connecting.imap import ImapClient, dial
from postbus.connecting.tls import tls_refused
from postbus.contracts.configuration import ImapAuth, ImapSettings, TlsMode
from postbus.errors import CredentialsRejected, NotConfigured

_WITH_TOKEN = (ImapAuth.GOOGLE_OAUTH, ImapAuth.GOOGLE_SERVICE_ACCOUNT)


@dataclass(frozen=True)
class ImapLimits:
    """Times in seconds."""

    connect_seconds: float = 20
    command_seconds: float = 60


class ImapConnections:
    """Makes connections; one for a process, safe to call from many threads."""

    def __init__(
        self, reach: Reach, tls: TlsContexts, tokens: AccessTokens, limits: ImapLimits
    ) -> None:
        self._reach = reach
        self._tls = tls
        self._tokens = tokens
        self._limits = limits

    def connect(self, imap: ImapSettings) -> ImapClient:
        """Connected and greeted; with implicit TLS that has happened, too. MailHostUnavailable."""
        limits = self._limits
        with connect_errors(imap.host):
            return dial(
                imap.host,
                imap.port,
                imap.tls,
                reach=self._reach,
                contexts=self._tls,
                ca_certificates=imap.ca_certificates,
                timeout=SocketTimeout(limits.connect_seconds, limits.command_seconds),
            )

    def protect(self, client: ImapClient, imap: ImapSettings) -> None:
        """STARTTLS where it is asked for (RFC 9051 §6.2.1). MailHostUnavailable."""
        if imap.tls is not TlsMode.STARTTLS:
            return
        with connect_errors(imap.host):
            try:
                client.starttls(self._tls.context(imap.ca_certificates))
            except ssl.SSLError as error:
                raise tls_refused(imap.host, error) from error

    def sign_in(self, client: ImapClient, imap: ImapSettings, secret: SecretStr | None) -> None:
        """With the password, or a token made from the credential.

        CredentialsRejected, MailHostUnavailable, NotConfigured without a secret.
        """
        if secret is None:
            raise NotConfigured("the mailbox has no password or sign-in yet")
        if imap.auth in _WITH_TOKEN:
            self._with_token(client, imap, secret)
            return
        with sign_in_errors(imap.host, with_token=False):
            client.login(imap.username, secret.get_secret_value())

    def _with_token(self, client: ImapClient, imap: ImapSettings, secret: SecretStr) -> None:
        """XOAUTH2 (Google, "XOAUTH2 mechanism"); once more with a new token when it is refused."""
        credential = read_google(secret)
        for anew in (False, True):
            token = self._tokens.token(credential, anew=anew)
            try:
                with sign_in_errors(imap.host, with_token=True):
                    client.oauth2_login(imap.username, token.get_secret_value())
            except CredentialsRejected:
                if anew:
                    raise
            else:
                return

    def open(self, imap: ImapSettings, secret: SecretStr | None) -> ImapClient:
        """All of it; nothing is left open when it fails."""
        client = self.connect(imap)
        try:
            self.protect(client, imap)
            self.sign_in(client, imap, secret)
        except BaseException:
            end(client)
            raise
        return client


def end(client: ImapClient) -> None:
    """Close the socket, without a word: the server may not listen any more."""
    with suppress(Exception):  # whatever it is, the connection is given up
        client.shutdown()
