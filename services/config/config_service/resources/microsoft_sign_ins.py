"""Sign-ins with Microsoft, from the start to both channels."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from pydantic import SecretStr

from config_service.connect_bodies import (
    MicrosoftAppBody,
    MicrosoftBody,
    MicrosoftClientBody,
    MicrosoftStarted,
)
from config_service.domain.mailbox_plan import Plan
from config_service.domain.mailbox_wish import MailboxWish
from config_service.domain.microsoft import MicrosoftWays
from config_service.domain.microsoft_consent import LOOPBACK_REDIRECT, Consent, Flow, Pending
from config_service.ports import MicrosoftConsent
from config_service.resources.connect_problems import (
    not_configured,
    sign_in_problem,
    unknown_sign_in,
)
from config_service.resources.connecting import Connect, Connected, Connecting
from config_service.resources.microsoft_clients import app_credential, checked_client, proven
from config_service.resources.pending_sign_ins import PendingSignIns
from postbus.connecting.credentials import MicrosoftClient, MicrosoftSignIn
from postbus.contracts.configuration import GraphAuth
from postbus.errors import CredentialsRejected, MailHostUnavailable
from postbus.mail.addresses import normalise
from postbus.runtime.auth import Caller
from postbus.runtime.problems import Problem

MOST_BY_LINK: Final = 50
"""Whoever has a link could otherwise push out the sign-ins that admins started."""
AWAY: Final = "microsoft-unavailable"
_NOT_ALLOWED: Final = ("access-denied", "mailbox-unknown", "send-as-denied")
_LEAST_SECONDS: Final = 5


@dataclass(frozen=True)
class StillPending:
    """The person is not done; ask again after so long."""

    state: str
    expires_at: datetime
    seconds: int


@dataclass(frozen=True)
class OwnMicrosoft:
    """What this installation brings: its app registration, and where browsers come back to."""

    client: MicrosoftClient | None
    callback_url: str | None
    ways: MicrosoftWays


@dataclass(frozen=True)
class Starting:
    """A sign-in that is to be started, and by whom."""

    wish: MailboxWish
    ways: MicrosoftWays
    client: MicrosoftClient
    by: str
    token_id: str | None = None


class MicrosoftSignIns:
    """Sign-ins with Microsoft."""

    def __init__(
        self,
        connect: Connect,
        microsoft: MicrosoftConsent,
        own: OwnMicrosoft,
        now: Callable[[], datetime],
    ) -> None:
        self._connect = connect
        self._microsoft = microsoft
        self.own = own
        self._now = now
        self._pending: PendingSignIns[Pending] = PendingSignIns(now)
        self._by_link: PendingSignIns[Pending] = PendingSignIns(now, MOST_BY_LINK)

    async def app(self, body: MicrosoftAppBody, caller: Caller) -> Connected:
        """A mailbox that an app opens as itself; 409, 422, 503."""
        client = proven(self._client(body.client), "#/client")
        ways = replace(
            self.own.ways,
            place=body.place,
            auth=GraphAuth.APP_ONLY,
            send_by=body.send_by,
            probe_mailbox=body.probe_mailbox,
        )
        plan = await self._connect.check(body.wish(), ways)
        credential = app_credential(client, _authority_url(plan))
        what = Connecting(body.wish(), ways, credential, caller.name, pointer="#/client")
        return await self._connect.connect(what)

    async def start(self, body: MicrosoftBody, caller: Caller) -> MicrosoftStarted:
        """Where the person is to go; 409, 422 when it could not be set up anyway, 503."""
        ways = replace(self.own.ways, place=body.place, send_by=body.send_by)
        client = checked_client(self._client(body.client), "#/client")
        starting = Starting(body.wish(), ways, client, caller.name, caller.token_id)
        if body.flow == "device":
            return await self._start_device(starting)
        flow, url = await self._start_code(starting, body.redirect, self._pending)
        return MicrosoftStarted(authorize_url=url, state=flow.state, expires_at=flow.expires_at)

    async def _start_code(
        self,
        starting: Starting,
        redirect: Literal["web", "installed"],
        pendings: PendingSignIns[Pending],
    ) -> tuple[Flow, str]:
        """The sign-in, and the page of Microsoft that asks; 409, 422, 503."""
        redirect_url = self._redirect_url(redirect)
        consent = await self._consent(starting)
        try:
            flow, url = await self._microsoft.begin(consent, redirect_url)
        except (CredentialsRejected, MailHostUnavailable) as error:
            raise sign_in_problem(error, AWAY) from error
        pendings.put(flow.state, self._waiting(starting, flow, redirect))
        return flow, url

    async def start_by_link(self, starting: Starting) -> tuple[Flow, str]:
        """The same for whoever has a link; 409, 422, 503."""
        return await self._start_code(starting, "web", self._by_link)

    async def _start_device(self, starting: Starting) -> MicrosoftStarted:
        # A device proves itself by nothing, and its refresh tokens are renewed by nothing.
        public = starting.client.model_copy(
            update={"client_secret": "", "certificate": "", "private_key": "", "expires_at": None}
        )
        starting = replace(starting, client=public)
        consent = await self._consent(starting)
        if consent.by_smtp:
            detail = "A device code is for Graph only: use `send_by` `graph`, or `flow` `code`."
            raise not_configured("#/send_by", detail)
        try:
            flow = await self._microsoft.begin_device(consent)
        except (CredentialsRejected, MailHostUnavailable) as error:
            raise sign_in_problem(error, AWAY) from error
        self._pending.put(flow.state, self._waiting(starting, flow, "device"))
        return MicrosoftStarted(
            user_code=flow.kept["user_code"],
            verification_uri=flow.kept["verification_uri"],
            message=flow.kept.get("message"),
            interval_seconds=_interval(flow),
            state=flow.state,
            expires_at=flow.expires_at,
        )

    async def come_back(self, returned: dict[str, str]) -> Connected:
        """The browser came back to us; 404, and what `_finish` raises."""
        pending = self._take(returned.get("state", ""), "web", None)
        return await self._finish(pending, returned)

    async def finish(self, returned: dict[str, str], caller: Caller) -> Connected:
        """A person brings what the browser ended at; 404, and what `_finish` raises."""
        pending = self._take(returned.get("state", ""), "installed", caller)
        return await self._finish(pending, returned)

    async def finish_device(self, state: str, caller: Caller) -> Connected | StillPending:
        """Whether the person is done; 404, and what `_finish` raises."""
        pending = self._take(state, "device", caller)
        wait = _interval(pending.flow)
        if pending.ask_again_at is not None and pending.ask_again_at > self._now():
            self._pending.put(state, pending)
            return StillPending(state, pending.expires_at, wait)
        try:
            sign_in = await self._microsoft.redeem_device(pending.flow)
        except MailHostUnavailable as error:
            self._pending.put(state, pending)
            raise sign_in_problem(error, AWAY) from error
        except CredentialsRejected as error:
            raise sign_in_problem(error, AWAY) from error
        if sign_in is not None:
            return await self._connected(pending, sign_in)
        again_at = self._now() + timedelta(seconds=wait)
        self._pending.put(state, replace(pending, ask_again_at=again_at))
        return StillPending(state, pending.expires_at, wait)

    async def _finish(self, pending: Pending, returned: dict[str, str]) -> Connected:
        """409, 422, 503 as problems; 422 too when the person or Microsoft said no."""
        try:
            sign_in = await self._microsoft.redeem(pending.flow, returned)
        except (CredentialsRejected, MailHostUnavailable) as error:
            raise sign_in_problem(error, AWAY) from error
        return await self._connected(pending, sign_in)

    async def _connected(self, pending: Pending, sign_in: MicrosoftSignIn) -> Connected:
        secret = SecretStr(sign_in.model_dump_json())
        by_link = pending.started_by is None
        what = Connecting(pending.wish, pending.ways, secret, pending.by, renews=by_link)
        try:
            return await self._connect.connect(what)
        except Problem as problem:
            raise _or_wrong_account(problem, sign_in.username, pending.wish.address) from problem

    def _take(self, state: str, redirect: str, caller: Caller | None) -> Pending:
        """The sign-in of that state, which is then used up."""
        pending = self._pending.get(state) or self._by_link.get(state)
        if (
            pending is None
            or pending.redirect != redirect
            or (caller is not None and caller.token_id != pending.started_by)
        ):
            raise unknown_sign_in()
        self._pending.drop(state)
        self._by_link.drop(state)
        return pending

    async def _consent(self, starting: Starting) -> Consent:
        plan = await self._connect.check(starting.wish, starting.ways)
        by_smtp = plan.outbound is not None and plan.outbound.kind == "smtp"
        return Consent(starting.client, _authority_url(plan), starting.wish.address, by_smtp)

    def _waiting(
        self, starting: Starting, flow: Flow, redirect: Literal["web", "installed", "device"]
    ) -> Pending:
        return Pending(
            flow, redirect, starting.wish, starting.ways, starting.token_id, starting.by,
            flow.expires_at,
        )  # fmt: skip

    def _redirect_url(self, redirect: Literal["web", "installed"]) -> str:
        """422 where it is not set."""
        if redirect == "installed":
            return LOOPBACK_REDIRECT
        if self.own.callback_url is None:
            detail = (
                "PUBLIC_URL is not set, so Microsoft cannot send the browser back; set it, or use "
                "`installed`, or the `flow` `device`."
            )
            raise not_configured("#/redirect", detail)
        return self.own.callback_url

    def _client(self, given: MicrosoftClientBody | None) -> MicrosoftClient:
        if given is not None:
            return MicrosoftClient(
                client_id=given.client_id,
                client_secret=given.client_secret.get_secret_value(),
                certificate=given.certificate,
                private_key=given.private_key.get_secret_value(),
                expires_at=given.expires_at,
            )
        if self.own.client is None:
            detail = "MICROSOFT_CLIENT_ID is not set; give an app registration as `client`."
            raise not_configured("#/client", detail)
        return self.own.client


def _authority_url(plan: Plan) -> str:
    graph = plan.inbound.graph
    if graph is None:
        raise AssertionError("a plan of Microsoft's ways has a mailbox there")
    return graph.authority_url


def _interval(flow: Flow) -> int:
    """How often Microsoft may be asked (RFC 8628 §3.5)."""
    return max(int(flow.kept.get("interval", _LEAST_SECONDS)), 1)


def _or_wrong_account(problem: Problem, username: str, address: str) -> Problem:
    """The same, unless somebody else signed in, who may not open the mailbox."""
    denied = problem.members.get("reason") in _NOT_ALLOWED
    if not denied or normalise(username) == normalise(address):
        return problem
    members = {
        **problem.members,
        "reason": "wrong-account",
        "advice": f"Sign in as {address}; or have an admin give {username} Full Access and Send As "
        f"to {address}, if that is a shared mailbox.",
    }
    detail = f"{username} signed in, who may not open {address}. {problem.detail}"
    return Problem(
        problem.status, "try-failed", detail=detail, errors=problem.errors, members=members
    )
