"""Asks Microsoft's identity platform for tokens, by msal; every call here blocks.

Hosts are not looked up at login.microsoftonline.com first (`instance_discovery=False`): a channel
may name another cloud's authority.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import httpx
import msal

from postbus.connecting import Reach, TlsContexts
from postbus.connecting.credentials import MicrosoftApp, MicrosoftClient, MicrosoftSignIn
from postbus.connecting.http import BlockingReachingTransport
from postbus.connecting.sign_in import Explained
from postbus.errors import CredentialsRejected, MailHostUnavailable
from postbus.microsoft.explaining import explain_sign_in
from postbus.microsoft.msal_http import MsalHttp
from postbus.microsoft.sign_ins import AccessToken, State

_TIMEOUT_SECONDS: Final = 20.0


class Resource(StrEnum):
    """What a token is for; one token is good for one of them only (providers: 5D)."""

    GRAPH = "graph"
    SMTP = "smtp"


_DELEGATED: Final = {
    # Whatever was consented to: asking for more at a renewal would be refused.
    Resource.GRAPH: ["https://graph.microsoft.com/.default"],
    Resource.SMTP: ["https://outlook.office.com/SMTP.Send"],
}
_APP: Final = {
    Resource.GRAPH: ["https://graph.microsoft.com/.default"],
    Resource.SMTP: ["https://outlook.office365.com/.default"],
}


@dataclass(frozen=True)
class Issued:
    """A token, and msal's cache with whatever else came along."""

    token: AccessToken
    token_cache: str


class IdentityPlatform:
    """One for a process; safe to call from many threads.

    Raises:
        CredentialsRejected: people must act; reason and advice say how.
        MailHostUnavailable: nobody can be signed in now.
    """

    def __init__(self, reach: Reach, tls: TlsContexts) -> None:
        self._http = MsalHttp(
            transport=BlockingReachingTransport(reach, tls), timeout=_TIMEOUT_SECONDS
        )

    def for_sign_in(self, credential: MicrosoftSignIn, state: State, resource: Resource) -> Issued:
        """A new token by the refresh token of the state, which is replaced by the next one."""
        cache = msal.SerializableTokenCache()
        cache.deserialize(state.token_cache)
        app = self._application(credential.client, credential.authority_url, cache)
        account = _account(app.get_accounts(), credential.username)
        if account is None:
            raise _rejected(_NO_ACCOUNT, "")
        with _errors():
            answer = app.acquire_token_silent_with_error(
                _DELEGATED[resource], account, force_refresh=True
            )
        if answer is None:
            raise _rejected(_NO_ACCOUNT, "")
        return Issued(_token(answer), str(cache.serialize()))

    def for_app(self, credential: MicrosoftApp, resource: Resource) -> AccessToken:
        """A new token for the app itself."""
        app = self._application(credential.client, credential.authority_url, None)
        with _errors():
            answer = app.acquire_token_for_client(_APP[resource])
        return _token(answer)

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def _application(
        self, client: MicrosoftClient, authority_url: str, cache: msal.TokenCache | None
    ) -> Any:
        proof = proof_of(client)
        made = msal.ConfidentialClientApplication if proof else msal.PublicClientApplication
        try:
            with _errors():
                return made(
                    client.client_id,
                    client_credential=proof,
                    authority=authority_url,
                    instance_discovery=False,
                    http_client=self._http,
                    token_cache=cache,
                )
        except ValueError as error:
            raise _no_authority(error) from error


def proof_of(client: MicrosoftClient) -> str | dict[str, str] | None:
    """How the client proves itself, as msal wants it: a certificate, a secret, or not at all."""
    if client.private_key and client.certificate:
        return {"private_key": client.private_key, "public_certificate": client.certificate}
    return client.client_secret or None


@contextmanager
def _errors() -> Iterator[None]:
    """An answer that is none of OAuth: msal (1.39) raises for 5xx, and for what is no JSON."""
    try:
        yield
    except (
        msal.exceptions.MsalError,
        httpx.HTTPError,
        json.JSONDecodeError,
        RuntimeError,
    ) as error:
        raise MailHostUnavailable(
            f"Microsoft could not be asked for a token: {type(error).__name__}",
            reason="token-unavailable",
            advice="It is tried again by itself.",
        ) from error


_NO_ACCOUNT: Final = Explained(
    "needs-sign-in",
    "the kept sign-in has no refresh token",
    "Sign in again, with the account whose mailbox it is.",
)


def _account(accounts: Sequence[dict[str, Any]], username: str) -> dict[str, Any] | None:
    wanted = username.casefold()
    for one in accounts:
        if str(one.get("username", "")).casefold() == wanted:
            return one
    return accounts[0] if len(accounts) == 1 else None


def _token(answer: dict[str, Any]) -> AccessToken:
    secret = answer.get("access_token")
    if secret:
        life = timedelta(seconds=int(answer.get("expires_in", 0)))
        return AccessToken(secret=str(secret), expires_at=datetime.now(UTC) + life)
    description = str(answer.get("error_description", ""))
    said = explain_sign_in(str(answer.get("error", "")), description)
    raise _rejected(said, description.partition(" Trace ID")[0].partition("\n")[0])


def _rejected(said: Explained, detail: str) -> CredentialsRejected | MailHostUnavailable:
    text = f"{said.what}: {detail}"[:300] if detail else said.what
    if said.permanent:
        return CredentialsRejected(text, reason=said.reason, advice=said.advice)
    return MailHostUnavailable(text, reason=said.reason, advice=said.advice)


def _no_authority(error: ValueError) -> CredentialsRejected | MailHostUnavailable:
    """Where msal (1.39) finds no tenant, or is given a key that is none, it raises ValueError."""
    text = str(error)
    if "authority" not in text:
        unreadable = Explained(
            "bad-key",
            "the certificate or its key is damaged",
            "Give both whole, in PEM, the key without a passphrase.",
        )
        return _rejected(unreadable, "")
    return _rejected(explain_sign_in("invalid_tenant", text), "")
