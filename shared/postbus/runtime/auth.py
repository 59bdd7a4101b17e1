"""Who is calling: bearer tokens with scopes (RFC 6750), known by their SHA-256 only.

A presented token is hashed and the hash is looked up, so a secret is never compared byte by byte
and how long the look-up takes says nothing about any token.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Protocol

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from postbus.contracts.configuration import ApiToken, Scope
from postbus.runtime.problems import Problem

REALM = "postbus"
INCLUDED: dict[Scope, frozenset[Scope]] = {
    Scope.ADMIN: frozenset({Scope.ADMIN, Scope.AGENT, Scope.READER}),
    Scope.AGENT: frozenset({Scope.AGENT, Scope.READER}),
    Scope.READER: frozenset({Scope.READER}),
}
"""What each scope may do: its own, and all below it."""


class KnowsTokens(Protocol):
    """Where tokens are looked up: a configuration snapshot."""

    def token(self, sha256: str, /) -> ApiToken | None:
        """The token with that hash."""


class Snapshots(Protocol):
    """What `postbus.configuration.Follower` is to this module."""

    @property
    def current(self) -> KnowsTokens:
        """The newest snapshot; raises `Unavailable` before there is one."""


@dataclass(frozen=True)
class Caller:
    """Whoever presented the token; `agent` is the id of the agent it was made for."""

    token_id: str
    name: str
    scope: Scope
    agent: str | None = None


def hash_of(token: str) -> str:
    """The SHA-256 under which a token is kept, in hexadecimal."""
    return sha256(token.encode()).hexdigest()


def caller_of(token: str, known: KnowsTokens) -> Caller | None:
    """The caller that a token stands for, or None for a token nobody made."""
    found = known.token(hash_of(token))
    return Caller(found.id, found.name, found.scope, found.agent) if found else None


_scheme = HTTPBearer(auto_error=False, description="An API token; scopes admin, agent, reader")
Presented = Annotated[HTTPAuthorizationCredentials | None, Depends(_scheme)]


class BearerAuth:
    """FastAPI dependencies, one per scope: `caller: Annotated[Caller, Depends(auth.admin)]`.

    Each gives back the caller. Raises a 401 problem without a known token, 403 when its scope is
    too small (RFC 6750 §3.1), and `Unavailable` (503) before the first snapshot.
    """

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots

    async def reader(self, presented: Presented) -> Caller:
        """May look."""
        return self.check(presented, Scope.READER)

    async def agent(self, presented: Presented) -> Caller:
        """May work on tickets."""
        return self.check(presented, Scope.AGENT)

    async def admin(self, presented: Presented) -> Caller:
        """May change the configuration."""
        return self.check(presented, Scope.ADMIN)

    def check(self, presented: HTTPAuthorizationCredentials | None, needed: Scope) -> Caller:
        """The caller behind the credentials, if the scope allows `needed`."""
        if presented is None:
            raise _unauthorized("A bearer token is needed.", "")
        caller = caller_of(presented.credentials, self._snapshots.current)
        if caller is None:
            raise _unauthorized("This token is not known.", ', error="invalid_token"')
        if needed not in INCLUDED[caller.scope]:
            raise Problem(
                403,
                "scope-too-small",
                detail=f"This needs the scope {needed}; the token has {caller.scope}.",
                headers={
                    "WWW-Authenticate": f'Bearer realm="{REALM}", error="insufficient_scope", '
                    f'scope="{needed}"'
                },
            )
        return caller


def _unauthorized(detail: str, error: str) -> Problem:
    headers = {"WWW-Authenticate": f'Bearer realm="{REALM}"{error}'}
    return Problem(401, "unauthorized", detail=detail, headers=headers)
