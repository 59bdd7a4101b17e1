"""Signing in with Microsoft: over HTTPS to pages of a stand-in, and back to us."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from doubles.config_api import TOKENS, client_of
from doubles.microsoft_scene import (
    ADDRESS,
    APP,
    ID,
    KINDS,
    MAIL,
    SECRET,
    XYZ,
    identity_of_xyz,
    scene,
)
from postbus.connecting.credentials import MicrosoftApp
from postbus.contracts.trying import TryStep, TryStepName
from servers.microsoft_directory import PERSONAL_TENANT
from servers.microsoft_identity import Answer, MicrosoftIdentity
from servers.microsoft_keys import certificate


@pytest.fixture
def identity() -> Iterator[MicrosoftIdentity]:
    with identity_of_xyz() as server:
        yield server


async def test_a_mailbox_is_connected_by_signing_in(
    tmp_path: Path, identity: MicrosoftIdentity
) -> None:
    """INVARIANT: what Microsoft gave is sealed, one sign-in for both channels, shown to nobody."""
    async with scene(tmp_path, identity) as there:
        page = await there.connect(name="Help")
        assert page.status_code == 200, page.text
        assert f"{ADDRESS} is connected" in page.text
        came, goes = await there.sealed(KINDS[0]), await there.sealed(KINDS[1])
        assert came == goes
        assert (came.username, came.client.client_secret) == (ADDRESS, SECRET)
        assert came.authority_url == f"{identity.authority}/organizations"
        (token,) = json.loads(came.token_cache)["AccessToken"].values()
        claims = identity.claims_of(token["secret"])
        assert claims is not None
        assert set(claims["scp"].split()) == MAIL
        assert json.loads(came.token_cache)["RefreshToken"]
        (one,) = [one for one in await there.api.items(KINDS[0]) if one["id"] == ID]
        assert (one["name"], one["kind"], one["reply_via"]) == ("Help", "graph", ID)
        assert (one["graph"]["auth"], one["graph"]["mailbox"]) == ("delegated", ADDRESS)
        assert one["graph"]["since"], "it is read from now on"
        (out,) = [one for one in await there.api.items(KINDS[1]) if one["id"] == ID]
        assert (out["kind"], out["from_address"]) == ("graph", ADDRESS)
        assert ADDRESS in await there.api.patterns()
        told = repr(there.api.bus.told) + page.text
        for secret in (SECRET, *identity.tokens.refresh, token["secret"]):
            assert secret not in told


async def test_the_code_has_to_be_asked_for_by_us(
    tmp_path: Path, identity: MicrosoftIdentity
) -> None:
    """INVARIANT: PKCE and a state that is good once."""
    async with scene(tmp_path, identity) as there:
        started = await there.start()
        asked = parse_qs(urlsplit(started["authorize_url"]).query)
        assert asked["code_challenge_method"] == ["S256"]
        assert (asked["prompt"], asked["login_hint"]) == (["select_account"], [ADDRESS])
        assert asked["state"] == [started["state"]]
        end = await there.ends_at(started["authorize_url"])
        async with httpx.AsyncClient(trust_env=False) as browser:
            assert (await browser.get(end)).status_code == 200
            again = await browser.get(end)
            assert again.status_code == 404
            assert "No sign-in is under way" in again.text
            guessed = await browser.get(end.replace(started["state"], "guess"))
            assert guessed.status_code == 404
        assert identity.token_requests[0]["code_verifier"]


async def test_whoever_declines_connects_nothing(
    tmp_path: Path, identity: MicrosoftIdentity
) -> None:
    async with scene(tmp_path, identity) as there:
        before = await there.channels()
        started = await there.start()
        page = await there.go(started["authorize_url"], consent="cancel")
        assert page.status_code == 422
        assert "did not accept" in page.text
        assert "Nothing was set up" in page.text
        assert await there.channels() == before
        assert await there.api.secrets.all() == {}


async def test_a_personal_account_is_refused_in_words(
    tmp_path: Path, identity: MicrosoftIdentity
) -> None:
    async with scene(tmp_path, identity) as there:
        started = await there.start(address="someone@outlook.com", tenant=PERSONAL_TENANT)
        page = await there.go(started["authorize_url"], "someone@outlook.com")
        assert page.status_code == 422
        assert "personal Microsoft account" in page.text
        assert await there.api.secrets.all() == {}
        refused = await there.post("connect/microsoft", tenant="common")
        assert refused.status_code == 422


async def test_another_person_may_sign_in_for_a_shared_mailbox_only(
    tmp_path: Path, identity: MicrosoftIdentity
) -> None:
    async with scene(tmp_path, identity) as there:
        there.api.graph.fails_at, there.api.graph.reason = TryStepName.SIGN_IN, "access-denied"
        page = await there.connect("anna@xyz.com")
        assert page.status_code == 422
        assert "anna@xyz.com signed in, who may not open support@xyz.com" in page.text
        assert "Full Access and Send As" in page.text
        assert ID not in await there.channels()
        there.api.graph.fails_at = None
        assert (await there.connect("anna@xyz.com")).status_code == 200
        assert (await there.sealed(KINDS[0])).username == "anna@xyz.com"


@pytest.mark.parametrize(
    ("trouble", "status", "words"),
    [
        ("wrong-secret", 422, "AADSTS7000215"),
        ("scope", 422, "was not allowed: https://graph.microsoft.com/Mail.Send"),
        ("consent", 422, "AADSTS65001"),
        ("away", 503, "could not be asked"),
    ],
)
async def test_what_goes_wrong_is_said_with_what_to_do(
    tmp_path: Path, identity: MicrosoftIdentity, trouble: str, status: int, words: str
) -> None:
    async with scene(tmp_path, identity) as there:
        end = await there.ends_at((await there.start())["authorize_url"])
        if trouble == "wrong-secret":
            there.app.secrets.clear()
        elif trouble == "scope":
            identity.grants.withheld.add("https://graph.microsoft.com/Mail.Send")
        elif trouble == "consent":
            there.app.consents.clear()
        else:
            identity.troubles.append(Answer("", 503))
        async with httpx.AsyncClient(trust_env=False) as browser:
            page = await browser.get(end)
        assert page.status_code == status
        assert words in page.text
        assert "Nothing was set up" in page.text
        assert await there.api.secrets.all() == {}


async def test_a_tenant_that_microsoft_does_not_know_is_said_at_once(
    tmp_path: Path, identity: MicrosoftIdentity
) -> None:
    async with scene(tmp_path, identity) as there:
        answer = await there.post("connect/microsoft", tenant="nowhere.example")
        assert (answer.status_code, answer.json()["reason"]) == (422, "tenant-unknown")


async def test_an_authority_inside_the_network_is_not_reached(
    tmp_path: Path, identity: MicrosoftIdentity
) -> None:
    """INVARIANT: an admin's token must not make this service knock at inner doors."""
    async with scene(tmp_path, identity, allow_private_hosts=False) as there:
        answer = await there.post("connect/microsoft")
        assert (answer.status_code, answer.json()["reason"]) == (503, "private-address")
        assert identity.paths_asked == []


async def test_sending_by_smtp_needs_a_token_of_its_own(
    tmp_path: Path, identity: MicrosoftIdentity
) -> None:
    async with scene(tmp_path, identity) as there:
        page = await there.connect(send_by="smtp")
        assert page.status_code == 200, page.text
        (out,) = [one for one in await there.api.items(KINDS[1]) if one["id"] == ID]
        assert (out["kind"], out["smtp"]["auth"], out["smtp"]["tls"]) == (
            "smtp", "xoauth2", "starttls",
        )  # fmt: skip
        assert (out["smtp"]["host"], out["smtp"]["port"]) == ("smtp.office365.com", 587)
        cache = json.loads((await there.sealed(KINDS[1])).token_cache)
        audiences = {
            (identity.claims_of(one["secret"]) or {})["aud"]
            for one in cache["AccessToken"].values()
        }
        assert audiences == {"https://graph.microsoft.com", "https://outlook.office.com"}
        refused = await there.post("connect/microsoft", address="m@xyz.com", send_by="smtp",
                                   flow="device")  # fmt: skip
        assert refused.json()["errors"][0]["pointer"] == "#/send_by"


async def test_what_the_browser_ended_at_can_be_brought_by_hand(
    tmp_path: Path, identity: MicrosoftIdentity
) -> None:
    async with scene(tmp_path, identity, public_url=None) as there:
        started = await there.start(redirect="installed")
        end = await there.ends_at(started["authorize_url"])
        body = {"code": end, "state": started["state"]}
        made = await there.api.client.post("tokens", json={"name": "eve", "scope": "admin"})
        async with client_of(there.api.service, made.json()["token"]) as eve:
            await asyncio.sleep(0.05)
            assert (await eve.post("connect/microsoft/finish", json=body)).status_code == 404
        answer = await there.api.client.post("connect/microsoft/finish", json=body)
        assert answer.status_code == 201, answer.text
        assert answer.json()["inbound"]["address"] == ADDRESS


async def test_a_device_code_is_waited_for(tmp_path: Path, identity: MicrosoftIdentity) -> None:
    async with scene(tmp_path, identity) as there:
        started = await there.start(flow="device")
        assert started["user_code"] in started["message"]
        body = {"state": started["state"]}
        waiting = await there.api.client.post("connect/microsoft/finish", json=body)
        assert (waiting.status_code, waiting.headers["retry-after"]) == (202, "1")
        asked = len(identity.token_requests)
        soon = await there.api.client.post("connect/microsoft/finish", json=body)
        assert (soon.status_code, len(identity.token_requests)) == (202, asked), "asked too often"
        await there.enter_code(started)
        await asyncio.sleep(1.1)
        answer = await there.api.client.post("connect/microsoft/finish", json=body)
        assert answer.status_code == 201, answer.text
        sealed = await there.sealed(KINDS[0])
        assert (sealed.client.client_id, sealed.client.client_secret) == (APP, "")


async def test_a_device_code_that_is_declined_or_late_is_said(
    tmp_path: Path, identity: MicrosoftIdentity
) -> None:
    async with scene(tmp_path, identity) as there:
        started = await there.start(flow="device")
        await there.enter_code(started, consent="cancel")
        body = {"state": started["state"]}
        answer = await there.api.client.post("connect/microsoft/finish", json=body)
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/sign-in-failed")
        there.app.public_client = False
        answer = await there.post("connect/microsoft", flow="device")
        assert answer.json()["reason"] == "public-client-off"


async def test_signing_in_again_signs_both_channels_in(
    tmp_path: Path, identity: MicrosoftIdentity
) -> None:
    async with scene(tmp_path, identity) as there:
        await there.connect(send_by="smtp", colour="#112233")
        before = await there.sealed(KINDS[0])
        page = await there.connect()
        assert "is signed in again" in page.text
        came, goes = await there.sealed(KINDS[0]), await there.sealed(KINDS[1])
        assert came == goes
        assert came.sign_in_id != before.sign_in_id
        (one,) = [one for one in await there.api.items(KINDS[0]) if one["id"] == ID]
        assert one["colour"] == "#112233"
        (out,) = [one for one in await there.api.items(KINDS[1]) if one["id"] == ID]
        assert out["kind"] == "smtp", "how it sends stays"
        assert len(json.loads(came.token_cache)["AccessToken"]) == 2


async def test_the_link_of_the_health_signs_in_anew_and_does_nothing_else(
    tmp_path: Path, identity: MicrosoftIdentity
) -> None:
    """INVARIANT: a link renews the sign-in of its own mailbox; without its key it is nothing."""
    async with scene(tmp_path, identity) as there:
        await there.connect()
        before = await there.sealed(KINDS[0])
        links = await there.say_needs_sign_in()
        link = links["inbound"]
        assert link == links["outbound"]
        async with httpx.AsyncClient(trust_env=False) as browser:
            forged = link[:-1] + ("0" if link[-1] != "0" else "1")
            for wrong in (forged, link.partition("?")[0], link.replace(ID, "support")):
                assert (await browser.get(wrong)).status_code == 404
            sent_on = await browser.get(link)
        assert sent_on.status_code == 302
        page = await there.go(sent_on.headers["location"])
        assert "is signed in again" in page.text
        came, goes = await there.sealed(KINDS[0]), await there.sealed(KINDS[1])
        assert came == goes
        assert came.sign_in_id != before.sign_in_id
        (channel,) = [one for one in await there.api.items(KINDS[0]) if one["id"] == ID]
        etag = {"If-Match": "*"}
        async with httpx.AsyncClient(trust_env=False) as browser:
            under_way = await browser.get(link)
        gone = await there.api.client.delete(f"{KINDS[0]}/{channel['id']}", headers=etag)
        assert gone.status_code == 204
        async with httpx.AsyncClient(trust_env=False) as browser:
            assert (await browser.get(link)).status_code == 404, "it sets no mailbox up"
        late = await there.go(under_way.headers["location"])
        assert late.status_code == 404, "nor does one that was followed before"
        assert ID not in [one["id"] for one in await there.api.items(KINDS[0])]


async def test_no_link_where_it_would_lead_nowhere(
    tmp_path: Path, identity: MicrosoftIdentity
) -> None:
    async with scene(tmp_path, identity) as there:
        await there.post("connect/microsoft-app", tenant=XYZ)
        assert set((await there.say_needs_sign_in()).values()) == {None}


@pytest.mark.parametrize("by", ["secret", "certificate"])
async def test_an_app_opens_the_mailbox_as_itself(
    tmp_path: Path, identity: MicrosoftIdentity, by: str
) -> None:
    public, private = certificate()
    client: dict[str, Any] = {"client_id": APP, "client_secret": SECRET}
    if by == "certificate":
        client = {"client_id": APP, "certificate": public, "private_key": private}
    async with scene(tmp_path, identity) as there:
        there.api.graph.warns = TryStep(
            name=TryStepName.SCOPE, ok=True, reason="app-may-open-others", advice="Narrow it.",
            detail="the app may open ceo@xyz.com, too",
        )  # fmt: skip
        answer = await there.post(
            "connect/microsoft-app", tenant=XYZ, client=client, probe_mailbox="ceo@xyz.com"
        )
        assert answer.status_code == 201, answer.text
        (warning,) = answer.json()["warnings"]
        assert (warning["name"], warning["reason"]) == ("scope", "app-may-open-others")
        graph = answer.json()["inbound"]["graph"]
        assert (graph["auth"], graph["tenant"]) == ("app-only", XYZ)
        assert (graph["probe_mailbox"], graph["secret_set"]) == ("ceo@xyz.com", True)
        for kind in KINDS:
            sealed = MicrosoftApp.model_validate_json(await there.api.opened(f"{kind}.{ID}") or "")
            assert sealed.authority_url == f"{identity.authority}/{XYZ}"
            ends = sealed.client.expires_at
            assert (ends is not None) is (by == "certificate"), "read from the certificate"
        assert private not in answer.text


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"tenant": "organizations"}, "#"),
        ({"client": {"client_id": "x"}}, "#/client"),
        ({"client": {"client_id": "x", "certificate": "PEM"}}, "#/client"),
        ({"client": {"client_id": "x", "certificate": "PEM", "private_key": "P"}}, "#/client"),
        ({"authority": "http://localhost"}, "#/authority"),
    ],
)
async def test_an_app_that_cannot_be_right_is_named(
    tmp_path: Path, identity: MicrosoftIdentity, fields: dict[str, Any], pointer: str
) -> None:
    async with scene(tmp_path, identity) as there:
        answer = await there.post("connect/microsoft-app", **{"tenant": XYZ, **fields})
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"].startswith(pointer)
        assert await there.api.secrets.all() == {}


async def test_an_old_or_foreign_certificate_is_refused(
    tmp_path: Path, identity: MicrosoftIdentity
) -> None:
    old, its_key = certificate(ends_at=datetime.now(UTC) - timedelta(days=1))
    good, _ = certificate()
    async with scene(tmp_path, identity) as there:
        for public, words in ((old, "has ended"), (good, "not the one of the certificate")):
            client = {"client_id": APP, "certificate": public, "private_key": its_key}
            answer = await there.post("connect/microsoft-app", tenant=XYZ, client=client)
            assert answer.status_code == 422
            assert words in answer.json()["detail"]


async def test_a_kept_secret_goes_to_no_other_host(
    tmp_path: Path, identity: MicrosoftIdentity
) -> None:
    """INVARIANT: whoever may change a channel must not get its tokens or secrets that way."""
    async with scene(tmp_path, identity) as there:
        await there.connect()
        any_tag = {"If-Match": "*"}
        for kind in KINDS:
            for field in (
                {"base_url": "https://evil.example/v1.0"},
                {"mailbox": "ceo@xyz.com"},
                {"authority": "https://evil.example"},
                {"tenant": "evil.example"},
            ):
                answer = await there.api.client.patch(
                    f"{kind}/{ID}?force=true", json={"graph": field}, headers=any_tag
                )
                assert answer.status_code == 422, answer.text
                assert answer.json()["type"] == "/problems/secret-needed"
        kept = await there.api.client.patch(
            f"{KINDS[0]}/{ID}", json={"graph": {"folders": ["inbox", "junkemail"]}}, headers=any_tag
        )
        assert kept.status_code == 200, kept.text
        assert there.api.graph.asked[-1].channel.graph is not None


async def test_a_mailbox_of_an_app_can_be_made_by_itself(
    tmp_path: Path, identity: MicrosoftIdentity
) -> None:
    async with scene(tmp_path, identity) as there:
        secret = json.dumps({"client_id": APP, "client_secret": SECRET})
        graph = {"tenant": XYZ, "auth": "app-only", "mailbox": ADDRESS, "secret": secret}
        channel = {"id": "box", "name": "Box", "kind": "graph", "address": ADDRESS, "graph": graph}
        answer = await there.api.client.post(KINDS[0], json=channel)
        assert answer.status_code == 201, answer.text
        assert SECRET not in answer.text
        sealed = MicrosoftApp.model_validate_json(await there.api.opened(f"{KINDS[0]}.box") or "")
        assert sealed.authority_url == f"https://login.microsoftonline.com/{XYZ}"
        for wrong in ("a password", json.dumps({"client_id": "x"})):
            body = {**channel, "id": "b2", "address": "b2@xyz.com"}
            body["graph"] = {**graph, "mailbox": "b2@xyz.com", "secret": wrong}
            answer = await there.api.client.post(KINDS[0], json=body)
            assert answer.json()["errors"][0]["pointer"] == "#/graph/secret"
        proof = await there.api.client.get(f"{KINDS[0]}/box/completeness")
        assert proof.status_code == 200, proof.text
        assert there.api.graph.proved == ["box"]


async def test_only_admins_connect(tmp_path: Path, identity: MicrosoftIdentity) -> None:
    paths = ("connect/microsoft", "connect/microsoft-app", "connect/microsoft/finish")
    async with (
        scene(tmp_path, identity) as there,
        client_of(there.api.service, TOKENS["agent"]) as agent,
    ):
        for path in paths:
            assert (await agent.post(path, json={"address": ADDRESS})).status_code == 403
