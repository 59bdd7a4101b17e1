"""Microsoft 365 of one organisation: both stand-ins, an app, people, and their sign-ins."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import msal

from postbus.connecting import MicrosoftApp, MicrosoftClient, MicrosoftSignIn
from servers.graph import GraphServer
from servers.microsoft_directory import AppRegistration
from servers.microsoft_identity import MicrosoftIdentity

TENANT = "0f6b2c7a-1111-4222-8333-944444444444"
CLIENT_ID = "5a1e0c11-2222-4333-8444-955555555555"
SECRET = "app-secret"
GRAPH_SCOPES = {
    f"https://graph.microsoft.com/{one}"
    for one in (
        "Mail.ReadWrite",
        "Mail.Send",
        "Mail.ReadWrite.Shared",
        "Mail.Send.Shared",
        "User.Read",
    )
}


class Microsoft365:
    """Both, started; a mailbox is added with the person whose it is."""

    def __init__(self) -> None:
        self.identity = MicrosoftIdentity()
        self.graph = GraphServer(self.identity.claims_of)
        directory = self.identity.directory
        directory.add_tenant(TENANT, "example.com")
        self.app = directory.add_app(
            AppRegistration(
                client_id=CLIENT_ID,
                tenant=TENANT,
                secrets={SECRET: None},
                delegated=set(GRAPH_SCOPES) | {"https://outlook.office.com/SMTP.Send"},
            )
        )

    def start(self) -> "Microsoft365":
        self.identity.start()
        self.graph.start()
        return self

    def stop(self) -> None:
        self.graph.stop()
        self.identity.stop()

    @property
    def authority_url(self) -> str:
        return f"{self.identity.authority}/{TENANT}"

    @property
    def access(self) -> dict[str, str]:
        """How a channel says where all this is."""
        return {
            "tenant": TENANT,
            "authority": self.identity.authority,
            "base_url": self.graph.base_url,
        }

    @property
    def client(self) -> MicrosoftClient:
        return MicrosoftClient(client_id=CLIENT_ID, client_secret=SECRET)

    def add_mailbox(self, address: str) -> None:
        """A person and the mailbox of that person."""
        self.identity.directory.add_user(address, TENANT)
        self.graph.add_mailbox(address)

    def sign_in(self, address: str) -> MicrosoftSignIn:
        """What is sealed after somebody has signed in, as msal makes it."""
        issued: dict[str, Any] = self.identity.issue(address, CLIENT_ID, set(GRAPH_SCOPES))
        cache = msal.SerializableTokenCache()
        with _http(self.identity) as http:
            app = msal.ConfidentialClientApplication(
                CLIENT_ID,
                client_credential=SECRET,
                authority=self.authority_url,
                instance_discovery=False,
                http_client=http,
                token_cache=cache,
            )
            got = app.acquire_token_by_refresh_token(issued["refresh_token"], sorted(GRAPH_SCOPES))
        assert "access_token" in got, got
        return MicrosoftSignIn(
            sign_in_id=uuid4().hex,
            client=self.client,
            authority_url=self.authority_url,
            username=address,
            token_cache=str(cache.serialize()),
            signed_in_at=datetime.now(UTC),
        )

    def consent(self, *roles: str) -> None:
        """What an admin lets the app do in every mailbox (Entra)."""
        self.app.roles[TENANT] = set(roles)

    def scope(self, mailbox: str, *roles: str) -> None:
        """What Exchange lets the app do in a mailbox (RBAC for Applications); nothing elsewhere."""
        self.graph.access.rbac.setdefault(CLIENT_ID, {})[mailbox] = set(roles)

    def app_only(self) -> MicrosoftApp:
        """What is sealed for an app that signs in as itself."""
        return MicrosoftApp(client=self.client, authority_url=self.authority_url)


@contextmanager
def _http(identity: MicrosoftIdentity) -> Iterator[httpx.Client]:
    context = ssl.create_default_context(cafile=identity.ca_file)
    with httpx.Client(verify=context) as client:
        yield client
