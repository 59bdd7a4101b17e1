"""Signing in with Google: a real browser's way over HTTPS to the consent page and back to us."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from config_service.domain import google_consent
from config_service.resources import google_sign_ins
from doubles.config_api import TOKENS, ConfigUnderTest, client_of, running, serving
from postbus.connecting import GoogleRefreshToken
from postbus.contracts.trying import TryStepName
from servers.google_sign_in import CERTIFICATE, GoogleSignIn
from servers.nats import free_port

ADDRESS = "support@xyz.com"
ID = "support-xyz-com"


@pytest.fixture
def google() -> Iterator[GoogleSignIn]:
    server = GoogleSignIn().start()
    yield server
    server.stop()


@dataclass
class Scene:
    """The service, reached over HTTP, and a browser."""

    api: ConfigUnderTest
    google: GoogleSignIn
    browser: httpx.AsyncClient

    async def start(self, **fields: Any) -> dict[str, Any]:
        answer = await self.api.client.post("connect/google", json={"address": ADDRESS, **fields})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def go(self, started: dict[str, Any]) -> httpx.Response:
        """Follow every redirect, as a browser does."""
        return await self.browser.get(started["authorize_url"], follow_redirects=True)

    async def channels(self) -> list[str]:
        paths = ("inbound-channels", "outbound-channels")
        return [one["id"] for path in paths for one in await self.api.items(path)]


@asynccontextmanager
async def scene(folder: Path, google: GoogleSignIn, **others: Any) -> AsyncIterator[Scene]:
    port = free_port()
    folder.mkdir(exist_ok=True)
    (folder / "client.secret").write_text(f"{google.client_secret}\n")
    settings = {
        "public_url": f"http://127.0.0.1:{port}/",
        "google_client_id": google.client_id,
        "google_client_secret_file": folder / "client.secret",
        "google_authorize_url": f"{google.url}/o/oauth2/v2/auth",
        "google_token_url": f"{google.url}/token",
        "google_ca_file": CERTIFICATE,
        **others,
    }
    async with running(folder, **settings) as api, serving(api, port), browser() as client:
        yield Scene(api, google, client)


@asynccontextmanager
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    async with httpx.AsyncClient(verify=context, trust_env=False) as client:
        yield client


async def test_a_mailbox_is_connected_by_signing_in(tmp_path: Path, google: GoogleSignIn) -> None:
    """INVARIANT: what Google gave is sealed for both channels and shown to nobody."""
    async with scene(tmp_path, google) as there:
        started = await there.start(name="Help")
        page = await there.go(started)
        assert page.status_code == 200, page.text
        assert f"{ADDRESS} is connected" in page.text
        (asked,) = google.asked
        assert asked["scope"] == "https://mail.google.com/"
        assert (asked["access_type"], asked["prompt"]) == ("offline", "consent")
        assert (asked["login_hint"], asked["code_challenge_method"]) == (ADDRESS, "S256")
        assert asked["state"] == started["state"]
        for kind in ("inbound-channels", "outbound-channels"):
            sealed = GoogleRefreshToken.model_validate_json(
                await there.api.opened(f"{kind}.{ID}") or ""
            )
            assert sealed.refresh_token == google.given[0]
            assert (sealed.client_id, sealed.client_secret) == (
                google.client_id, google.client_secret,
            )  # fmt: skip
        (one,) = [one for one in await there.api.items("inbound-channels") if one["id"] == ID]
        assert (one["name"], one["reply_via"], one["imap"]["auth"]) == ("Help", ID, "google-oauth")
        told = repr(there.api.bus.told) + page.text
        for secret in (google.given[0], google.client_secret, "ya29.x"):
            assert secret not in told


async def test_the_page_runs_nothing_and_is_not_kept(tmp_path: Path, google: GoogleSignIn) -> None:
    async with scene(tmp_path, google) as there:
        page = await there.go(await there.start())
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cache-control"] == "no-store"


async def test_what_servers_say_is_escaped_on_the_page(
    tmp_path: Path, google: GoogleSignIn
) -> None:
    """INVARIANT: a mail server must not write into a page of an admin's browser."""
    google.person.token_answer = (
        400, {"error": "invalid_grant", "error_description": "<img src=x onerror=alert(1)>"},
    )  # fmt: skip
    async with scene(tmp_path, google) as there:
        page = await there.go(await there.start())
        assert page.status_code == 422
        assert "<img" not in page.text
        assert "&lt;img" in page.text


async def test_a_state_is_good_once_and_for_ten_minutes(
    tmp_path: Path, google: GoogleSignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """INVARIANT: the state is the only proof at the callback."""
    async with scene(tmp_path, google) as there:
        started = await there.start()
        page = await there.go(started)
        again = await there.browser.get(str(page.url))
        assert again.status_code == 404
        assert "No sign-in is under way" in again.text
        guessed = await there.browser.get(str(page.url.copy_set_param("state", "guess")))
        assert guessed.status_code == 404
        monkeypatch.setattr(google_sign_ins, "PENDING_FOR", timedelta(0))
        late = await there.go(await there.start(address="late@xyz.com"))
        assert late.status_code == 404
        assert timedelta(minutes=10) == google_consent.PENDING_FOR


@pytest.mark.parametrize(
    ("person", "words"),
    [
        ({"consents": False}, "the consent was not given"),
        ({"granted": "openid email"}, "tick the box"),
        ({"gives_refresh_token": False}, "no refresh token"),
        ({"token_answer": (401, {"error": "invalid_client"})}, "Check client id and secret"),
        ({"token_answer": (400, {"error": "invalid_grant"})}, "does not take the code"),
        ({"token_answer": (503, {})}, "could not be asked"),
    ],
)
async def test_what_goes_wrong_is_said_with_what_to_do(
    tmp_path: Path, google: GoogleSignIn, person: dict[str, Any], words: str
) -> None:
    google.person = replace(google.person, **person)
    async with scene(tmp_path, google) as there:
        before = await there.channels()
        page = await there.go(await there.start())
        assert page.status_code in (422, 503)
        assert words in page.text
        assert "Nothing was set up" in page.text
        assert await there.channels() == before
        assert sorted(await there.api.secrets.all()) == []


async def test_more_scopes_than_asked_for_are_fine(tmp_path: Path, google: GoogleSignIn) -> None:
    google.person.granted = "openid https://mail.google.com/"
    async with scene(tmp_path, google) as there:
        assert (await there.go(await there.start())).status_code == 200


async def test_google_that_cannot_be_reached_is_said(tmp_path: Path, google: GoogleSignIn) -> None:
    nowhere = f"https://localhost:{free_port()}/token"
    async with scene(tmp_path, google, google_token_url=nowhere) as there:
        page = await there.go(await there.start())
        assert page.status_code == 503
        assert "could not be asked" in page.text


async def test_a_mailbox_that_does_not_work_is_not_connected(
    tmp_path: Path, google: GoogleSignIn
) -> None:
    async with scene(tmp_path, google) as there:
        there.api.ingest.fails_at = TryStepName.SIGN_IN
        page = await there.go(await there.start())
        assert page.status_code == 422
        assert "Reading mail: sign-in failed: it said no." in page.text
        assert "Do it." in page.text
        assert ID not in await there.channels()


async def test_the_installed_flow_takes_what_the_browser_ended_at(
    tmp_path: Path, google: GoogleSignIn
) -> None:
    async with scene(tmp_path, google, public_url=None) as there:
        for number, bare in enumerate((False, True)):
            started = await there.start(address=f"m{number}@xyz.com", redirect="installed")
            consent = await there.browser.get(started["authorize_url"])
            ended_at = consent.headers["location"]
            assert ended_at.startswith("http://127.0.0.1:")
            body = {"code": ended_at, "state": started["state"]}
            if bare:
                body["code"] = parse_qs(urlsplit(ended_at).query)["code"][0]
            answer = await there.api.client.post("connect/google/finish", json=body)
            assert answer.status_code == 201, answer.text
            assert answer.json()["inbound"]["address"] == f"m{number}@xyz.com"
            again = await there.api.client.post("connect/google/finish", json=body)
            assert (again.status_code, again.json()["type"]) == (404, "/problems/sign-in-unknown")


async def test_only_who_started_it_finishes_it(tmp_path: Path, google: GoogleSignIn) -> None:
    async with scene(tmp_path, google) as there:
        started = await there.start(redirect="installed")
        consent = await there.browser.get(started["authorize_url"])
        body = {"code": consent.headers["location"]}
        made = await there.api.client.post("tokens", json={"name": "eve", "scope": "admin"})
        async with client_of(there.api.service, made.json()["token"]) as eve:
            await asyncio.sleep(0.05)
            refused = await eve.post("connect/google/finish", json=body)
            assert refused.status_code == 404
        async with client_of(there.api.service, TOKENS["agent"]) as agent:
            assert (await agent.post("connect/google/finish", json=body)).status_code == 403
        query = urlsplit(body["code"]).query
        base = str(there.api.service.api.url_path_for("callback"))
        url = f"{there.api.client.base_url.copy_with(path=base)}?{query}"
        page = await there.api.client.get(url)
        assert page.status_code == 404, "what was started as installed does not end at the callback"
        answer = await there.api.client.post("connect/google/finish", json=body)
        assert answer.status_code == 201


async def test_signing_in_again_replaces_the_secrets_of_both_channels(
    tmp_path: Path, google: GoogleSignIn
) -> None:
    async with scene(tmp_path, google) as there:
        asked = {"address": ADDRESS, "app_password": "abcdefghijklmnop", "name": "Help"}
        made = await there.api.client.post("connect/gmail", json=asked)
        assert made.status_code == 201
        for number in range(2):
            page = await there.go(await there.start())
            assert page.status_code == 200, page.text
            assert "is signed in again" in page.text
            for kind in ("inbound-channels", "outbound-channels"):
                sealed = json.loads(await there.api.opened(f"{kind}.{ID}") or "")
                assert sealed["refresh_token"] == google.given[number]
        (one,) = [one for one in await there.api.items("inbound-channels") if one["id"] == ID]
        assert (one["name"], one["imap"]["auth"]) == ("Help", "google-oauth")
        before = (await there.api.client.get(f"inbound-channels/{ID}")).headers["etag"]
        await there.go(await there.start())
        after = (await there.api.client.get(f"inbound-channels/{ID}")).headers["etag"]
        assert before != after, "who follows the channel hears of the new secret"


async def test_a_client_of_ones_own_is_used(tmp_path: Path, google: GoogleSignIn) -> None:
    others = {"google_client_id": None, "google_client_secret_file": None}
    async with scene(tmp_path, google, **others) as there:
        asked = {"address": ADDRESS}
        refused = await there.api.client.post("connect/google", json=asked)
        assert refused.json()["type"] == "/problems/not-configured"
        own = {"client_id": google.client_id, "client_secret": google.client_secret}
        page = await there.go(await there.start(client=own))
        assert page.status_code == 200


@pytest.mark.parametrize(
    ("fields", "status", "pointer"),
    [
        ({"id": "relay"}, 409, "#/id"),
        ({"address": "support@postbus.localhost"}, 409, "#/address"),
        ({"ticket_type": "none"}, 422, "#/ticket_type"),
        ({"redirect": "popup"}, 422, "#/redirect"),
    ],
)
async def test_nobody_is_sent_to_google_for_what_cannot_be_set_up(
    tmp_path: Path, google: GoogleSignIn, fields: dict[str, Any], status: int, pointer: str
) -> None:
    async with scene(tmp_path, google) as there:
        answer = await there.api.client.post("connect/google", json={"address": ADDRESS, **fields})
        assert answer.status_code == status
        assert answer.json()["errors"][0]["pointer"] == pointer


async def test_without_a_public_url_there_is_no_web_flow(
    tmp_path: Path, google: GoogleSignIn
) -> None:
    async with scene(tmp_path, google, public_url=None) as there:
        answer = await there.api.client.post("connect/google", json={"address": ADDRESS})
        assert answer.status_code == 422
        assert "PUBLIC_URL" in answer.json()["detail"]
