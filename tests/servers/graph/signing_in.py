"""Tokens for tests that need no identity platform, and a client that shows them."""

import ssl
from dataclasses import dataclass, field
from typing import Any

import httpx

from servers.graph.server import GraphServer

AUDIENCE = "https://graph.microsoft.com"
IMMUTABLE = 'IdType="ImmutableId"'


@dataclass
class Tokens:
    """Tokens by name; what they claim may be changed at any time."""

    claims: dict[str, dict[str, Any]] = field(default_factory=dict)

    def claims_of(self, token: str) -> dict[str, Any] | None:
        return self.claims.get(token)

    def person(self, token: str, address: str, scopes: str = "Mail.ReadWrite Mail.Send") -> None:
        """A token of somebody who signed in."""
        self.claims[token] = {
            "aud": AUDIENCE,
            "appid": "app",
            "tid": "tenant",
            "scp": scopes,
            "upn": address,
        }

    def app(self, token: str, roles: tuple[str, ...] = (), app_id: str = "app") -> None:
        """A token of an app itself."""
        self.claims[token] = {
            "aud": AUDIENCE,
            "appid": app_id,
            "tid": "tenant",
            "roles": list(roles),
        }


def client_of(graph: GraphServer, token: str, box: str) -> httpx.Client:
    """A client of one mailbox that asks for immutable ids."""
    return httpx.Client(
        base_url=f"{graph.base_url}/users/{box}/",
        verify=ssl.create_default_context(cafile=str(graph.ca_file)),
        headers={"Authorization": f"Bearer {token}", "Prefer": IMMUTABLE},
        timeout=20,
    )


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and Graph's word of a refused call."""
    return answer.status_code, answer.json()["error"]["code"]
