"""Microsoft's sign-in pages and token endpoint, spoken by msal (1.39), which blocks.

Hosts are not looked up at login.microsoftonline.com first (`instance_discovery=False`): a channel
may name another cloud's authority.
"""

import asyncio
import secrets
import uuid
import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msal

from config_service.domain.microsoft import PERSONAL_TENANT
from config_service.domain.microsoft_consent import CODE_PENDING_FOR, NEEDED, Consent, Flow
from postbus.connecting.credentials import MicrosoftSignIn
from postbus.connecting.sign_in import Explained
from postbus.errors import CredentialsRejected, MailHostUnavailable
from postbus.microsoft import explain_sign_in, proof_of
from postbus.microsoft.msal_http import MsalHttp

_STILL_PENDING: Final = ("authorization_pending", "slow_down")
_PERSONAL: Final = explain_sign_in("", "a personal Microsoft account")


class MicrosoftFlow:
    """`config_service.ports.MicrosoftConsent`."""

    def __init__(self, http: MsalHttp) -> None:
        self._http = http

    async def begin(self, consent: Consent, redirect_url: str) -> tuple[Flow, str]:
        """A sign-in by authorization code, and the page that asks."""
        app = await asyncio.to_thread(self._application, consent, msal.SerializableTokenCache())
        with warnings.catch_warnings():
            # msal would have the code sent by form; the person may have to copy it, though.
            warnings.filterwarnings("ignore", message="response_mode='form_post'")
            kept: dict[str, Any] = app.initiate_auth_code_flow(
                [*consent.for_graph, *consent.for_smtp],
                redirect_uri=redirect_url,
                login_hint=consent.login_hint,
                prompt="select_account",
            )
        flow = Flow(consent, str(kept["state"]), kept, datetime.now(UTC) + CODE_PENDING_FOR)
        return flow, str(kept["auth_uri"])

    async def begin_device(self, consent: Consent) -> Flow:
        """A sign-in by device code; `kept` says what the person is to be told."""
        app = await asyncio.to_thread(self._application, consent, msal.SerializableTokenCache())
        kept: dict[str, Any] = await _asked(app.initiate_device_flow, list(consent.for_graph))
        if "user_code" not in kept:
            raise _refused(kept)
        ends_at = datetime.now(UTC) + timedelta(seconds=int(kept["expires_in"]))
        return Flow(consent, secrets.token_urlsafe(32), kept, ends_at)

    async def redeem(self, flow: Flow, returned: Mapping[str, str]) -> MicrosoftSignIn:
        """What came back, redeemed."""
        cache = msal.SerializableTokenCache()
        app = await asyncio.to_thread(self._application, flow.consent, cache)
        answer = await _asked(
            app.acquire_token_by_auth_code_flow,
            flow.kept,
            dict(returned),
            scopes=list(flow.consent.for_graph),
        )
        return await _signed_in(app, cache, flow.consent, answer)

    async def redeem_device(self, flow: Flow) -> MicrosoftSignIn | None:
        """The same of a device code; None while the person is not done. It asks once."""
        cache = msal.SerializableTokenCache()
        app = await asyncio.to_thread(self._application, flow.consent, cache)
        # A flow of its own, whose end is now: msal then asks once, and waits for nothing.
        once = {**flow.kept, "latest_attempt_at": 0, "interval": 1}
        answer = await _asked(app.acquire_token_by_device_flow, once, exit_condition=lambda _: True)
        if answer.get("error") in _STILL_PENDING:
            return None
        return await _signed_in(app, cache, flow.consent, answer)

    def _application(self, consent: Consent, cache: msal.TokenCache) -> Any:
        proof = proof_of(consent.client)
        made = msal.ConfidentialClientApplication if proof else msal.PublicClientApplication
        try:
            return made(
                consent.client.client_id,
                client_credential=proof,
                authority=consent.authority_url,
                instance_discovery=False,
                http_client=self._http,
                token_cache=cache,
            )
        except ValueError as error:
            if "authority" in str(error):
                raise _rejected(explain_sign_in("invalid_tenant", ""), "") from error
            raise _rejected(_BAD_KEY, "") from None
        except Exception as error:
            raise _not_reached(error) from error


_BAD_KEY: Final = Explained(
    "bad-key",
    "the certificate or its key is damaged",
    "Give both whole, in PEM, the key without a passphrase.",
)


async def _asked(call: Callable[..., Any], *args: Any, **named: Any) -> dict[str, Any]:
    """What msal answers, in a thread."""
    try:
        answer = await asyncio.to_thread(call, *args, **named)
    except (CredentialsRejected, MailHostUnavailable):
        raise
    except Exception as error:
        raise _not_reached(error) from error
    return dict(answer or {})


async def _signed_in(
    app: Any, cache: msal.SerializableTokenCache, consent: Consent, answer: dict[str, Any]
) -> MicrosoftSignIn:
    """The sign-in in the answer; CredentialsRejected where it is none, or not all of it."""
    if "access_token" not in answer:
        raise _refused(answer)
    claims = answer.get("id_token_claims") or {}
    if claims.get("tid") == PERSONAL_TENANT:
        raise _rejected(_PERSONAL, "")
    granted = str(answer.get("scope", "")).split()
    lacking = [one for one in NEEDED if not _has(granted, one)]
    if lacking:
        raise CredentialsRejected(
            f"reading and sending mail was not allowed: {', '.join(lacking)}",
            reason="scope-missing",
            advice="Add these delegated permissions to the app registration, and sign in again.",
        )
    if consent.by_smtp:
        await _with_smtp(app, consent)
    username = str(claims.get("preferred_username") or consent.login_hint)
    return MicrosoftSignIn(
        sign_in_id=str(uuid.uuid4()),
        client=consent.client,
        authority_url=consent.authority_url,
        username=username,
        token_cache=str(cache.serialize()),
        signed_in_at=datetime.now(UTC),
    )


async def _with_smtp(app: Any, consent: Consent) -> None:
    """Whether SMTP was allowed as well, which another token tells."""
    account = next(iter(app.get_accounts()), None)
    answer = await _asked(app.acquire_token_silent_with_error, list(consent.for_smtp), account)
    if "access_token" not in answer:
        raise _refused(answer)


def _has(granted: Sequence[str], wanted: str) -> bool:
    """Microsoft names scopes of Graph with or without its address."""
    short = wanted.rpartition("/")[2].casefold()
    return any(one.rpartition("/")[2].casefold() == short for one in granted)


def _refused(answer: Mapping[str, Any]) -> CredentialsRejected | MailHostUnavailable:
    description = str(answer.get("error_description", ""))
    said = explain_sign_in(str(answer.get("error", "")), description)
    return _rejected(said, description.partition(" Trace ID")[0].partition("\n")[0])


def _rejected(said: Explained, detail: str) -> CredentialsRejected | MailHostUnavailable:
    text = f"{said.what}: {detail}"[:400] if detail else said.what
    if said.permanent:
        return CredentialsRejected(text, reason=said.reason, advice=said.advice)
    return MailHostUnavailable(text, reason=said.reason, advice=said.advice)


def _not_reached(error: Exception) -> MailHostUnavailable:
    """Whatever msal raises when the other side is away, or answers with no JSON."""
    if isinstance(error, MailHostUnavailable):
        return error
    return MailHostUnavailable(
        f"Microsoft could not be asked for a token: {type(error).__name__}",
        reason="token-unavailable",
        advice="Start again in a while; the machine of this service must reach "
        "login.microsoftonline.com.",
    )
