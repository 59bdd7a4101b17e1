"""Access tokens of Microsoft, renewed in time and once for all replicas.

A token of a person lives about an hour and comes with another refresh token, so whoever renews
holds a lease, and the others read what was written. A token of an app is asked for by each process.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final, TypeVar

import structlog
from pydantic import SecretStr

from postbus.connecting.credentials import MicrosoftApp, MicrosoftCredential, MicrosoftSignIn
from postbus.contracts.base import utc_now
from postbus.errors import CredentialsRejected, MailHostUnavailable, StateConflict, Unavailable
from postbus.microsoft.asking import IdentityPlatform, Resource
from postbus.microsoft.sign_ins import AccessToken, KeptSignIns, KeptState, State

__all__ = ["MicrosoftTokens", "Resource"]

log = structlog.get_logger("postbus.microsoft")

_AHEAD: Final = timedelta(minutes=5)
_IDLE_LIFE: Final = timedelta(days=90)
_THREADS: Final = 32
_LOOK_SECONDS: Final = 0.25
_WAIT_SECONDS: Final = 40.0
"""For whoever holds the lease; it ends by itself after 30."""

Result = TypeVar("Result")


class MicrosoftTokens:
    """One for a process; `remember_refusal_seconds`: Microsoft is not asked again before."""

    def __init__(
        self,
        platform: IdentityPlatform,
        kept: KeptSignIns,
        *,
        now: Callable[[], datetime] = utc_now,
        remember_refusal_seconds: float = 180,
    ) -> None:
        self._platform = platform
        self._kept = kept
        self._now = now
        self._remember_seconds = remember_refusal_seconds
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="microsoft")
        self._states: dict[str, KeptState] = {}
        self._unwritten: dict[str, State] = {}
        self._of_apps: dict[tuple[MicrosoftApp, Resource], AccessToken] = {}
        self._refused: dict[tuple[object, Resource], tuple[float, CredentialsRejected, object]] = {}
        self._running: set[asyncio.Task[SecretStr]] = set()
        self._one_at_a_time: dict[object, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def token(
        self, credential: MicrosoftCredential, resource: Resource, *, anew: bool = False
    ) -> SecretStr:
        """A token that is good for five minutes at least; `anew` after a server refused the last.

        Raises:
            CredentialsRejected: people must act, mostly by signing in again.
            MailHostUnavailable: Microsoft could not be asked.
            BusUnavailable: the newest state of the sign-in could not be read.
        """
        # Taken before the lock: whoever waited while another renewed wants no newer one.
        asked_at = self._now()
        if isinstance(credential, MicrosoftApp):
            async with self._one_at_a_time[credential, resource]:
                return await self._for_app(credential, resource, anew=anew, asked_at=asked_at)
        known = self._states.get(credential.sign_in_id)
        if known is not None and not anew:
            token = self._good(known.state, resource)
            if token is not None:
                return token
        # As a task of its own, to its end: what Microsoft gave must not be lost with the caller.
        renewing = asyncio.create_task(
            self._in_turn(credential, resource, anew=anew, asked_at=asked_at)
        )
        self._running.add(renewing)
        renewing.add_done_callback(self._ended)
        return await asyncio.shield(renewing)

    def _ended(self, renewing: "asyncio.Task[SecretStr]") -> None:
        self._running.discard(renewing)
        if not renewing.cancelled():
            renewing.exception()  # looked at, so that it is no complaint when nobody waits

    async def _in_turn(
        self, credential: MicrosoftSignIn, resource: Resource, *, anew: bool, asked_at: datetime
    ) -> SecretStr:
        async with self._one_at_a_time[credential.sign_in_id]:
            return await self._for_sign_in(credential, resource, anew=anew, asked_at=asked_at)

    async def ends_at(self, credential: MicrosoftCredential) -> datetime | None:
        """When secret or certificate ends, or the sign-in if it is not used; None: unknown.

        Of a sign-in whichever comes first. BusUnavailable.
        """
        of_client = credential.client.expires_at
        if isinstance(credential, MicrosoftApp):
            return of_client
        kept = await self._kept.read(credential)
        idle = kept.state.renewed_at + _IDLE_LIFE
        return idle if of_client is None else min(idle, of_client)

    def forget(self, credential: MicrosoftCredential) -> None:
        """Ask Microsoft itself next time: an admin may have changed what it says.

        A token of an app holds for an hour what was consented to when it was asked for, and a
        refusal is remembered for minutes. What a sign-in has kept stays.
        """
        key = credential if isinstance(credential, MicrosoftApp) else credential.sign_in_id
        for resource in Resource:
            self._refused.pop((key, resource), None)
            if isinstance(credential, MicrosoftApp):
                self._of_apps.pop((credential, resource), None)

    async def close(self) -> None:
        """Ask no more; what is being renewed is written first."""
        await asyncio.gather(*self._running, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._platform.close()

    async def _for_app(
        self, credential: MicrosoftApp, resource: Resource, *, anew: bool, asked_at: datetime
    ) -> SecretStr:
        key = (credential, resource)
        known = self._of_apps.get(key)
        if known is not None and not anew and known.expires_at - asked_at > _AHEAD:
            return SecretStr(known.secret)
        self._not_so_soon(key, None)
        try:
            token = await self._run(lambda: self._platform.for_app(credential, resource))
        except CredentialsRejected as error:
            self._refused[key] = (time.monotonic(), error, None)
            raise
        self._of_apps[key] = token
        return SecretStr(token.secret)

    async def _for_sign_in(
        self, credential: MicrosoftSignIn, resource: Resource, *, anew: bool, asked_at: datetime
    ) -> SecretStr:
        until = time.monotonic() + _WAIT_SECONDS
        before = self._states.get(credential.sign_in_id)
        while time.monotonic() < until:
            kept = await self._read(credential)
            newer = before is not None and kept.state.renewed_at > before.state.renewed_at
            if not anew or newer or kept.state.renewed_at > asked_at:
                token = self._good(kept.state, resource)
                if token is not None:
                    return token
            self._not_so_soon((credential.sign_in_id, resource), kept.state.renewed_at)
            lease = await self._kept.lease(credential)
            if lease is None:
                await asyncio.sleep(_LOOK_SECONDS)
                continue
            try:
                # Between the read and the lease somebody else may have renewed it.
                again = await self._read(credential)
                if again.state.renewed_at == kept.state.renewed_at:
                    return await self._renew(credential, resource, again)
            finally:
                await lease.give_back()
        raise MailHostUnavailable("nobody renewed the sign-in in time", reason="token-unavailable")

    async def _read(self, credential: MicrosoftSignIn) -> KeptState:
        """The newest state, whether it could be written or not."""
        kept = await self._kept.read(credential)
        mine = self._unwritten.get(credential.sign_in_id)
        if mine is not None:
            if mine.renewed_at > kept.state.renewed_at:
                kept = await self._write(credential, kept, mine)
            else:
                del self._unwritten[credential.sign_in_id]
        self._states[credential.sign_in_id] = kept
        return kept

    async def _renew(
        self, credential: MicrosoftSignIn, resource: Resource, kept: KeptState
    ) -> SecretStr:
        try:
            issued = await self._run(
                lambda: self._platform.for_sign_in(credential, kept.state, resource)
            )
        except CredentialsRejected as error:
            key = (credential.sign_in_id, resource)
            self._refused[key] = (time.monotonic(), error, kept.state.renewed_at)
            raise
        state = State(
            token_cache=issued.token_cache,
            renewed_at=self._now(),
            tokens={**self._still_good(kept.state), resource.value: issued.token},
        )
        self._states[credential.sign_in_id] = await self._write(credential, kept, state)
        log.info("sign_in_renewed", sign_in=credential.sign_in_id, resource=resource.value)
        return SecretStr(issued.token.secret)

    async def _write(self, credential: MicrosoftSignIn, kept: KeptState, state: State) -> KeptState:
        """A state that the bus does not take is kept here: its refresh token is the newest."""
        self._unwritten[credential.sign_in_id] = state
        with suppress(Unavailable, StateConflict):
            written = await self._kept.write(credential, kept, state)
            del self._unwritten[credential.sign_in_id]
            return written
        log.warning("sign_in_not_kept", sign_in=credential.sign_in_id)
        return KeptState(state, kept.revision)

    def _good(self, state: State, resource: Resource) -> SecretStr | None:
        token = state.tokens.get(resource.value)
        if token is None or token.expires_at - self._now() <= _AHEAD:
            return None
        return SecretStr(token.secret)

    def _still_good(self, state: State) -> dict[str, AccessToken]:
        now = self._now()
        return {name: one for name, one in state.tokens.items() if one.expires_at - now > _AHEAD}

    def _not_so_soon(self, key: tuple[object, Resource], state: object) -> None:
        """Raise again what Microsoft said a moment ago, unless there is a newer state."""
        known = self._refused.get(key)
        if known is None:
            return
        at, error, of_state = known
        if of_state != state or time.monotonic() - at > self._remember_seconds:
            del self._refused[key]
            return
        raise CredentialsRejected(str(error), reason=error.reason, advice=error.advice)

    async def _run(self, call: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)
