"""Sign-ins with Google, from the start to both channels."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pydantic import SecretStr

from config_service.connect_bodies import GoogleBody, SignInStarted
from config_service.domain.gmail import GmailWays
from config_service.domain.google_consent import (
    LOOPBACK_REDIRECT,
    PENDING_FOR,
    Consent,
    GoogleClient,
    Pending,
    Returned,
)
from config_service.ports import GoogleConsent
from config_service.resources.connect_problems import (
    not_configured,
    sign_in_problem,
    unknown_sign_in,
)
from config_service.resources.connecting import Connect, Connected, Connecting
from config_service.resources.pending_sign_ins import PendingSignIns
from postbus.errors import CredentialsRejected, MailHostUnavailable
from postbus.runtime.auth import Caller


@dataclass(frozen=True)
class OwnSide:
    """What this installation brings: its OAuth client, and where browsers come back to."""

    client: GoogleClient | None
    callback_url: str | None


class GoogleSignIns:
    """Sign-ins with Google."""

    def __init__(
        self,
        connect: Connect,
        google: GoogleConsent,
        own: OwnSide,
        ways: GmailWays,
        now: Callable[[], datetime],
        new_word: Callable[[], str],
    ) -> None:
        self._connect = connect
        self._google = google
        self._own = own
        self._ways = ways
        self._now = now
        self._new_word = new_word
        self._pending: PendingSignIns[Pending] = PendingSignIns(now)

    async def start(self, body: GoogleBody, caller: Caller) -> SignInStarted:
        """Where the owner of the mailbox is to go; 409, 422 when it could not be set up anyway."""
        wish = body.wish()
        redirect_url = self._redirect_url(body)
        client = self._client(body)
        await self._connect.check(wish, self._ways)
        consent = Consent(client, redirect_url, wish.address, self._new_word(), self._new_word())
        expires_at = self._now() + PENDING_FOR
        pending = Pending(consent, body.redirect, wish, caller.token_id, caller.name, expires_at)
        self._pending.put(consent.state, pending)
        return SignInStarted(
            authorize_url=self._google.authorize_url(consent),
            state=consent.state,
            expires_at=expires_at,
        )

    async def come_back(self, returned: Returned) -> Connected:
        """The browser came back to us; 404, and what `_finish` raises."""
        return await self._finish(self._take(returned.state, "web", None), returned)

    async def finish(self, returned: Returned, caller: Caller) -> Connected:
        """A person brings what the browser ended at; 404, and what `_finish` raises."""
        return await self._finish(self._take(returned.state, "installed", caller), returned)

    async def _finish(self, pending: Pending, returned: Returned) -> Connected:
        """409, 422, 503 as problems; 422 too when the person or Google said no."""
        try:
            if not returned.code:
                raise _no_code(returned)
            credential = await self._google.redeem(pending.consent, returned.code)
        except (CredentialsRejected, MailHostUnavailable) as error:
            raise sign_in_problem(error, "google-unavailable") from error
        secret = SecretStr(credential.model_dump_json())
        what = Connecting(pending.wish, self._ways, secret, pending.by)
        return await self._connect.connect(what)

    def _take(self, state: str, redirect: str, caller: Caller | None) -> Pending:
        """The sign-in of that state, which is then used up."""
        pending = self._pending.get(state)
        if (
            pending is None
            or pending.redirect != redirect
            or (caller is not None and caller.token_id != pending.started_by)
        ):
            raise unknown_sign_in()
        self._pending.drop(state)
        return pending

    def _redirect_url(self, body: GoogleBody) -> str:
        if body.redirect == "installed":
            return LOOPBACK_REDIRECT
        if self._own.callback_url is None:
            detail = (
                "PUBLIC_URL is not set, so Google cannot send the browser back; "
                "set it, or use `installed`."
            )
            raise not_configured("#/redirect", detail)
        return self._own.callback_url

    def _client(self, body: GoogleBody) -> GoogleClient:
        if body.client is not None:
            return GoogleClient(body.client.client_id, body.client.client_secret)
        if self._own.client is None:
            detail = "GOOGLE_CLIENT_ID is not set; give an OAuth client of your own as `client`."
            raise not_configured("#/client", detail)
        return self._own.client


def _no_code(returned: Returned) -> CredentialsRejected:
    if returned.error in ("", "access_denied"):
        return CredentialsRejected(
            "the consent was not given",
            reason="consent-refused",
            advice="Start again, and allow what Google asks; in Google Workspace an admin may "
            "have to allow the app first.",
        )
    return CredentialsRejected(
        f"Google did not ask for consent: {returned.error[:100]}",
        reason="consent-refused",
        advice="Check the OAuth client in the Google Cloud console, and start again.",
    )
