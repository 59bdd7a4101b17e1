"""Access tokens of Google for IMAP and SMTP, got and renewed by google-auth.

A token lives about an hour and is kept in memory only; what is kept sealed is the refresh token or
the key that it is made from. Refresh tokens of Google do not change when they are used.
"""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import google.auth.exceptions
import requests
from google.auth.transport.requests import Request
from google.oauth2 import credentials as user
from google.oauth2 import service_account
from pydantic import SecretStr

from postbus.connecting.credentials import GoogleCredential, GoogleRefreshToken
from postbus.errors import CredentialsRejected, MailHostUnavailable

MAIL_SCOPE: Final = "https://mail.google.com/"
"""IMAP, POP and SMTP (Google Workspace: "XOAUTH2 mechanism"); Google knows no narrower one."""
TOKEN_URL: Final = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address, no secret
_AHEAD: Final = timedelta(minutes=5)
_TIMEOUT_SECONDS: Final = 20


@dataclass
class _Known:
    """google-auth's object for one credential; its lock lets one thread renew for all."""

    credentials: user.Credentials | service_account.Credentials
    lock: threading.Lock = field(default_factory=threading.Lock)


class AccessTokens:
    """One for a process; safe to call from many threads, which it blocks while it asks Google."""

    def __init__(self, token_url: str = TOKEN_URL, *, ca_file: Path | None = None) -> None:
        self._token_url = token_url
        self._known: dict[GoogleCredential, _Known] = {}
        self._adding = threading.Lock()
        self._session = requests.Session()
        # Said at each request: on the session, REQUESTS_CA_BUNDLE would win over it (requests 2).
        self._trusting = {} if ca_file is None else {"verify": str(ca_file)}

    def token(self, credential: GoogleCredential, *, anew: bool = False) -> SecretStr:
        """A token that is good for five minutes at least; `anew` after a server refused the last.

        Raises:
            CredentialsRejected: the consent was withdrawn or has ended, or the key is not allowed
                to act for the mailbox (reason `needs-sign-in` or `not-delegated`).
            MailHostUnavailable: Google could not be asked.
        """
        known = self._of(credential)
        with known.lock:
            if anew or not _is_fresh(known.credentials):
                self._renew(credential, known.credentials)
            return SecretStr(str(known.credentials.token))

    def _of(self, credential: GoogleCredential) -> _Known:
        with self._adding:
            if credential not in self._known:
                self._known[credential] = _Known(self._make(credential))
            return self._known[credential]

    def _make(self, credential: GoogleCredential) -> user.Credentials | service_account.Credentials:
        if isinstance(credential, GoogleRefreshToken):
            return user.Credentials(  # type: ignore[no-untyped-call] # google-auth has no types here
                None,
                refresh_token=credential.refresh_token,
                # Never an address out of the secret: it would be sent the secret.
                token_uri=self._token_url,
                client_id=credential.client_id,
                client_secret=credential.client_secret,
                scopes=[MAIL_SCOPE],
            )
        info = credential.model_dump(include={"client_email", "private_key_id", "private_key"})
        try:
            return service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call,no-any-return] # google-auth has no types here
                info | {"token_uri": self._token_url},
                scopes=[MAIL_SCOPE],
                subject=credential.subject,
            )
        except ValueError:
            # The cause is left out on purpose: it may quote the key.
            raise CredentialsRejected(
                "the key of the service account is damaged",
                reason="bad-key",
                advice="Make a new key in the Google Cloud console and give its JSON file whole.",
            ) from None

    def _renew(
        self,
        credential: GoogleCredential,
        credentials: user.Credentials | service_account.Credentials,
    ) -> None:
        request = Request(self._session)
        try:
            credentials.refresh(  # type: ignore[no-untyped-call] # google-auth has no types here
                lambda **how: request(**{"timeout": _TIMEOUT_SECONDS, **self._trusting, **how})
            )
        except google.auth.exceptions.RefreshError as error:
            raise _refused(credential, error) from error
        except google.auth.exceptions.GoogleAuthError as error:
            raise MailHostUnavailable(
                f"Google could not be asked for a token: {type(error).__name__}",
                reason="token-unavailable",
            ) from error


def _is_fresh(credentials: user.Credentials | service_account.Credentials) -> bool:
    expiry = credentials.expiry  # without a zone, in UTC
    if not credentials.token or expiry is None:
        return False
    return bool(expiry.replace(tzinfo=UTC) - datetime.now(UTC) > _AHEAD)


def _refused(
    credential: GoogleCredential, error: google.auth.exceptions.RefreshError
) -> CredentialsRejected | MailHostUnavailable:
    text = str(error.args[0]) if error.args else type(error).__name__
    if error.retryable:
        return MailHostUnavailable(
            f"Google gave no token: {text}"[:300], reason="token-unavailable"
        )
    if isinstance(credential, GoogleRefreshToken):
        return CredentialsRejected(
            f"Google no longer accepts the sign-in: {text}"[:300],
            reason="needs-sign-in",
            advice="Sign in with Google again. Sign-ins end when the password changes, when "
            "access is taken back, and after seven days while the app is in testing.",
        )
    return CredentialsRejected(
        f"Google does not let the service account act for the mailbox: {text}"[:300],
        reason="not-delegated",
        advice="In the Admin console, under domain-wide delegation, give the client id of the "
        f"service account the scope {MAIL_SCOPE}.",
    )
