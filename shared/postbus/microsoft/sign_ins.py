"""Where the newest state of a sign-in is kept, and who may renew it (KV bucket `postbus-sign-ins`).

`<sign-in id>` is the state, sealed as `sign-ins.<id>`; it is forgotten after 100 days, when its
refresh token has long ended (90 days idle, "Refresh tokens in the Microsoft identity platform").
`renewing.<sign-in id>` is held by whoever renews it now. All replicas of all services share both.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import Field, SecretStr

from postbus.bus.buckets import Bucket
from postbus.connecting.credentials import MicrosoftSignIn
from postbus.contracts.base import Contract
from postbus.errors import CredentialsRejected, PostbusError, StateConflict
from postbus.secrets import Opener, Sealer

_LIFE_SECONDS: Final = 100 * 86_400
_LEASE_SECONDS: Final = 30

OpenBucket = Callable[[], Awaitable[Bucket]]


class AccessToken(Contract):
    """A token for one resource."""

    secret: str = Field(repr=False)
    expires_at: datetime


class State(Contract):
    """What is known of a sign-in after it was renewed, or when it began."""

    token_cache: str = Field(repr=False, description="msal's, serialized")
    renewed_at: datetime
    tokens: dict[str, AccessToken] = Field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class KeptState:
    """A state and the revision at which it was read; 0: as the sign-in began."""

    state: State
    revision: int


class KeptSignIns:
    """Reads, writes and leases; raises BusUnavailable, and StateConflict for a lost race."""

    def __init__(self, bucket: OpenBucket, private_key_file: Path | None) -> None:
        self._bucket = bucket
        self._opener = Opener.from_file(private_key_file) if private_key_file else None
        self._sealer = Sealer.from_private_file(private_key_file) if private_key_file else None

    async def read(self, credential: MicrosoftSignIn) -> KeptState:
        """The newest state. CredentialsRejected where it cannot be opened."""
        beginning = State(token_cache=credential.token_cache, renewed_at=credential.signed_in_at)
        entry = await (await self._bucket()).get(credential.sign_in_id)
        if entry is None:
            return KeptState(beginning, 0)
        if self._opener is None:
            raise CredentialsRejected("there is no key to open the sign-in", reason="no-key")
        opened = self._opener.open(_sealed_as(credential), entry.value.decode())
        return KeptState(State.model_validate_json(opened.get_secret_value()), entry.revision)

    async def write(self, credential: MicrosoftSignIn, kept: KeptState, state: State) -> KeptState:
        """Write what follows on `kept`; without a key to seal with it is not written."""
        if self._sealer is None:
            return KeptState(state, kept.revision)
        sealed = self._sealer.seal(_sealed_as(credential), SecretStr(state.model_dump_json()))
        bucket, key = await self._bucket(), credential.sign_in_id
        if kept.revision:
            revision = await bucket.update(
                key, sealed.encode(), revision=kept.revision, ttl_seconds=_LIFE_SECONDS
            )
        else:
            revision = await bucket.create(key, sealed.encode(), ttl_seconds=_LIFE_SECONDS)
        return KeptState(state, revision)

    async def lease(self, credential: MicrosoftSignIn) -> "Lease | None":
        """The right to renew, for 30 seconds at most; None while somebody else has it."""
        bucket, key = await self._bucket(), f"renewing.{credential.sign_in_id}"
        try:
            revision = await bucket.create(key, b"", ttl_seconds=_LEASE_SECONDS)
        except StateConflict:
            return None
        return Lease(bucket, key, revision)


@dataclass(frozen=True)
class Lease:
    """The right to renew a sign-in."""

    bucket: Bucket
    key: str
    revision: int

    async def give_back(self) -> None:
        """Let others; where the bus is away, it ends by itself."""
        with suppress(PostbusError):
            await self.bucket.delete(self.key, revision=self.revision)


def _sealed_as(credential: MicrosoftSignIn) -> str:
    return f"sign-ins.{credential.sign_in_id}"
