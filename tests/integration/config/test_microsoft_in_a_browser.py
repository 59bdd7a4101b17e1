"""Signing in with Microsoft in a real browser: from our link to its pages, and back to ours."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from doubles.microsoft_scene import ADDRESS, ID, KINDS, Scene, identity_of_xyz, scene
from servers.browser import a_browser
from servers.microsoft_identity import MicrosoftIdentity


@pytest.fixture
def identity() -> Iterator[MicrosoftIdentity]:
    with identity_of_xyz() as server:
        yield server


async def pick(page: Page, account: str) -> None:
    await page.get_by_role("button", name=account).click()


async def nothing_is_there(there: Scene) -> None:
    assert ID not in await there.channels()
    assert await there.api.secrets.all() == {}


async def test_a_person_picks_the_account_consents_and_is_done(
    tmp_path: Path, identity: MicrosoftIdentity
) -> None:
    async with a_browser() as page, scene(tmp_path, identity) as there:
        await page.goto((await there.start())["authorize_url"])
        await expect(page.get_by_role("heading")).to_have_text("Pick an account")
        await pick(page, ADDRESS)
        await expect(page.get_by_text("Mail.ReadWrite", exact=False).first).to_be_visible()
        await page.get_by_role("button", name="Accept").click()
        await expect(page.get_by_role("heading")).to_have_text(f"{ADDRESS} is connected")
        assert (await there.channels()).count(ID) == 2
        assert ADDRESS in await there.api.patterns()
        link = (await there.say_needs_sign_in())["inbound"]
        before = await there.sealed(KINDS[0])
        await page.goto(link)
        await pick(page, ADDRESS)
        await expect(page.get_by_role("heading")).to_have_text(f"{ADDRESS} is signed in again")
        assert (await there.sealed(KINDS[1])).sign_in_id != before.sign_in_id


async def test_a_person_who_does_not_consent_is_told_so(
    tmp_path: Path, identity: MicrosoftIdentity
) -> None:
    async with a_browser() as page, scene(tmp_path, identity) as there:
        await page.goto((await there.start())["authorize_url"])
        await pick(page, ADDRESS)
        await page.get_by_role("button", name="Cancel").click()
        await expect(page.get_by_role("heading")).to_have_text("The mailbox is not connected")
        await expect(page.get_by_text("Nothing was set up")).to_be_visible()
        await nothing_is_there(there)


async def test_a_personal_account_is_refused(tmp_path: Path, identity: MicrosoftIdentity) -> None:
    async with a_browser() as page, scene(tmp_path, identity) as there:
        await page.goto((await there.start())["authorize_url"])
        await pick(page, "someone@outlook.com")
        await expect(page.get_by_text("AADSTS500200")).to_be_visible()
        await nothing_is_there(there)


async def test_a_device_code_is_typed_in(tmp_path: Path, identity: MicrosoftIdentity) -> None:
    async with a_browser() as page, scene(tmp_path, identity) as there:
        started = await there.start(flow="device")
        await page.goto(started["verification_uri"])
        await page.locator("input[name=user_code]").fill(started["user_code"])
        await page.get_by_role("button", name="Next").click()
        await pick(page, ADDRESS)
        await page.get_by_role("button", name="Accept").click()
        await expect(page.get_by_role("heading")).to_have_text("You have signed in")
        body = {"state": started["state"]}
        answer = await there.api.client.post("connect/microsoft/finish", json=body)
        assert answer.status_code == 201, answer.text
        assert (await there.channels()).count(ID) == 2
