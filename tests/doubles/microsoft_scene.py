"""The config service beside a stand-in of Microsoft's identity platform, both over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from doubles.config_api import ConfigUnderTest, running, serving
from postbus.connecting.credentials import MicrosoftSignIn
from postbus.contracts.mailboxes import ChannelState, KnownHealth
from servers.microsoft_directory import AppRegistration
from servers.microsoft_identity import MicrosoftIdentity
from servers.microsoft_person import Person
from servers.nats import free_port

XYZ = "11111111-2222-3333-4444-555555555555"
APP, SECRET = "app-of-postbus", "s3cret~value"
ADDRESS, ID = "support@xyz.com", "support-xyz-com"
MAIL = {"Mail.ReadWrite", "Mail.Send", "Mail.ReadWrite.Shared", "Mail.Send.Shared"}
KINDS = ("inbound-channels", "outbound-channels")


@contextmanager
def identity_of_xyz() -> Iterator[MicrosoftIdentity]:
    """A tenant of two people, somebody with a personal account, and our app registration."""
    server = MicrosoftIdentity(device_interval_seconds=1).start()
    server.directory.add_tenant(XYZ, "xyz.com")
    for address in (ADDRESS, "anna@xyz.com"):
        server.directory.add_user(address, XYZ)
    server.directory.add_user("someone@outlook.com")
    server.directory.add_app(
        AppRegistration(APP, XYZ, multi_tenant=True, public_client=True, secrets={SECRET: None})
    )
    try:
        yield server
    finally:
        server.stop()


@dataclass
class Scene:
    """The service, reached over HTTP, and Microsoft."""

    api: ConfigUnderTest
    identity: MicrosoftIdentity

    @property
    def app(self) -> AppRegistration:
        return self.identity.directory.apps[APP]

    async def post(self, path: str, **fields: Any) -> httpx.Response:
        body = {"address": ADDRESS, "authority": self.identity.authority, **fields}
        return await self.api.client.post(path, json=body)

    async def start(self, **fields: Any) -> dict[str, Any]:
        answer = await self.post("connect/microsoft", **fields)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def ends_at(self, url: str, account: str = ADDRESS, **how: Any) -> str:
        """Where the browser of a person is sent to."""

        def click() -> str:
            with Person() as person:
                return person.sign_in(url, account, **how)

        return await asyncio.to_thread(click)

    async def go(self, url: str, account: str = ADDRESS, **how: Any) -> httpx.Response:
        """The page that a person ends at."""
        async with httpx.AsyncClient(trust_env=False) as browser:
            return await browser.get(await self.ends_at(url, account, **how))

    async def connect(self, account: str = ADDRESS, **fields: Any) -> httpx.Response:
        return await self.go((await self.start(**fields))["authorize_url"], account)

    async def enter_code(self, started: dict[str, Any], **how: Any) -> None:
        def click() -> None:
            with Person() as person:
                person.enter_code(started["verification_uri"], started["user_code"], ADDRESS, **how)

        await asyncio.to_thread(click)

    async def sealed(self, kind: str) -> MicrosoftSignIn:
        return MicrosoftSignIn.model_validate_json(await self.api.opened(f"{kind}.{ID}") or "")

    async def channels(self) -> list[str]:
        return [one["id"] for kind in KINDS for one in await self.api.items(kind)]

    async def say_needs_sign_in(self) -> dict[str, Any]:
        said = KnownHealth(
            channel=ID, state=ChannelState.NEEDS_SIGN_IN, since=datetime.now(UTC),
            checked_at=datetime.now(UTC), reason="needs-sign-in",
        )  # fmt: skip
        for direction in ("inbound", "outbound"):
            await self.api.say(f"{direction}.{ID}", said)
        return {
            one["direction"]: one["sign_in_url"]
            for one in await self.api.items("health")
            if one["channel"] == ID
        }


@asynccontextmanager
async def scene(folder: Path, identity: MicrosoftIdentity, **others: Any) -> AsyncIterator[Scene]:
    port = free_port()
    folder.mkdir(exist_ok=True)
    (folder / "microsoft.secret").write_text(f"{SECRET}\n")
    settings = {
        "public_url": f"http://127.0.0.1:{port}/",
        "microsoft_client_id": APP,
        "microsoft_client_secret_file": folder / "microsoft.secret",
        "microsoft_ca_file": identity.ca_file,
        "allow_private_hosts": True,
        **others,
    }
    callback = f"http://127.0.0.1:{port}/api/v1/connect/microsoft/callback"
    identity.directory.apps[APP].redirect_uris = {callback, "http://localhost:47400/"}
    async with running(folder, **settings) as api, serving(api, port):
        yield Scene(api, identity)
