"""Google's consent page and token endpoint, spoken by google-auth-oauthlib."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import requests
from google_auth_oauthlib.flow import Flow
from oauthlib.oauth2.rfc6749.errors import MissingTokenError, OAuth2Error

from config_service.domain.google_consent import Consent
from postbus.connecting import GoogleRefreshToken
from postbus.connecting.google import MAIL_SCOPE
from postbus.errors import CredentialsRejected, MailHostUnavailable

_TIMEOUT_SECONDS: Final = 20
_CODE_REFUSED: Final = "invalid_grant"
_COME_AGAIN: Final = ("server_error", "temporarily_unavailable")


class GoogleFlow:
    """`config_service.ports.GoogleConsent`."""

    def __init__(self, authorize_url: str, token_url: str, ca_file: Path | None) -> None:
        self._authorize_url = authorize_url
        self._token_url = token_url
        self._verify = str(ca_file) if ca_file else None

    def authorize_url(self, consent: Consent) -> str:
        """With PKCE; consent is asked anew each time, else Google gives no refresh token."""
        url, _ = self._flow(consent).authorization_url(
            access_type="offline",
            prompt="consent",
            login_hint=consent.login_hint,
            state=consent.state,
        )
        return str(url)

    async def redeem(self, consent: Consent, code: str) -> GoogleRefreshToken:
        """The refresh token for a code; in a thread, since the library blocks."""
        return await asyncio.to_thread(self._redeem, consent, code)

    def _redeem(self, consent: Consent, code: str) -> GoogleRefreshToken:
        token = self._token(consent, code)
        if MAIL_SCOPE not in _scopes(token):
            raise CredentialsRejected(
                "reading and sending mail was not allowed",
                reason="scope-missing",
                advice="Sign in again and tick the box for reading, composing and sending mail.",
            )
        refresh_token = token.get("refresh_token")
        if not refresh_token:
            raise CredentialsRejected(
                "Google gave no refresh token, so the sign-in would end within an hour",
                reason="no-refresh-token",
                advice="Take the app's access away at myaccount.google.com/connections, "
                "and sign in again.",
            )
        return GoogleRefreshToken(
            client_id=consent.client.client_id,
            client_secret=consent.client.client_secret.get_secret_value(),
            refresh_token=str(refresh_token),
            expires_at=_ends_at(token),
        )

    def _token(self, consent: Consent, code: str) -> Any:
        try:
            return self._flow(consent).fetch_token(
                code=code, timeout=_TIMEOUT_SECONDS, verify=self._verify
            )
        except Warning as changed:
            # oauthlib 4.0 raises a Warning, with the token, when other scopes were granted.
            return changed.token  # type: ignore[attr-defined] # it is put there by oauthlib
        except (requests.RequestException, MissingTokenError, ValueError) as error:
            raise _not_reached(type(error).__name__) from error
        except OAuth2Error as error:
            if error.error in _COME_AGAIN:
                raise _not_reached(error.error) from error
            raise _refused(error) from error

    def _flow(self, consent: Consent) -> Flow:
        return Flow.from_client_config(
            {
                "web": {
                    "client_id": consent.client.client_id,
                    "client_secret": consent.client.client_secret.get_secret_value(),
                    "auth_uri": self._authorize_url,
                    "token_uri": self._token_url,
                }
            },
            scopes=[MAIL_SCOPE],
            redirect_uri=consent.redirect_url,
            code_verifier=consent.verifier,
            autogenerate_code_verifier=False,
        )


def _ends_at(token: Any) -> datetime | None:
    """When the consent ends, which Google says where it was given for a time only."""
    seconds = token.get("refresh_token_expires_in")
    if not isinstance(seconds, int) or seconds <= 0:
        return None
    return datetime.now(UTC) + timedelta(seconds=seconds)


def _scopes(token: Any) -> list[str]:
    """What was granted; where Google does not say, what was asked for (RFC 6749 §5.1)."""
    granted = token.get("scope", MAIL_SCOPE)
    return granted.split() if isinstance(granted, str) else list(granted)


def _not_reached(why: str) -> MailHostUnavailable:
    return MailHostUnavailable(
        f"Google could not be asked for a token: {why}",
        reason="token-unavailable",
        advice="Start again in a while; the machine of this service must reach "
        "oauth2.googleapis.com.",
    )


def _refused(error: OAuth2Error) -> CredentialsRejected:
    said = f"{error.error}: {error.description or 'no more is said'}"[:300]
    if error.error == _CODE_REFUSED:
        return CredentialsRejected(
            f"Google does not take the code: {said}",
            reason="code-refused",
            advice="A code is good once and for some minutes. Start again.",
        )
    return CredentialsRejected(
        f"Google does not take the OAuth client: {said}",
        reason="client-refused",
        advice="Check client id and secret, and that the redirect address stands among the "
        "client's authorised redirect URIs in the Google Cloud console.",
    )
