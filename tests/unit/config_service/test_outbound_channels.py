"""Outbound channels over HTTP: tried, and with secrets that go in and never out."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from doubles.config_api import ConfigUnderTest, running
from postbus.contracts.catalogue import TRY_OUTBOUND_SUBJECT
from postbus.contracts.trying import TryStepName
from postbus.secrets import Opener

SECRET = "correct horse battery"
NAME = "outbound-channels.it"
ANY = {"If-Match": "*"}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ConfigUnderTest]:
    async with running(tmp_path) as under_test:
        yield under_test


def it_channel(**smtp: Any) -> dict[str, Any]:
    settings = {
        "host": "mail.abc.com",
        "username": "it",
        "auth": "password",
        "secret": SECRET,
        **smtp,
    }
    return {
        "id": "it",
        "name": "IT",
        "kind": "smtp",
        "from_address": "IT@abc.com",
        "from_name": "IT desk",
        "smtp": {name: value for name, value in settings.items() if value is not None},
    }


async def opened(api: ConfigUnderTest) -> str | None:
    entry = await api.secrets.get(NAME)
    if entry is None:
        return None
    return Opener([api.keys.private_key]).open(NAME, entry.value.decode()).get_secret_value()


async def test_the_address_that_answers_leave_from_is_on_the_filter_while_it_is_used(
    api: ConfigUnderTest,
) -> None:
    before = await api.patterns()
    assert (await api.client.post("outbound-channels", json=it_channel())).status_code == 201
    assert await api.patterns() == before | {"it@abc.com"}
    (entry,) = [one for one in await api.items("outbound-filter") if one["channel"] == "it"]
    refused = await api.client.delete(f"outbound-filter/{entry['id']}", headers=ANY)
    assert refused.status_code == 409
    assert "outbound channel it" in refused.json()["detail"]
    patch = {"from_address": "desk@abc.com"}
    assert (
        await api.client.patch("outbound-channels/it", json=patch, headers=ANY)
    ).status_code == 200
    assert await api.patterns() == before | {"desk@abc.com"}
    await api.client.delete("outbound-channels/it", headers=ANY)
    assert await api.patterns() == before


async def test_an_address_of_two_channels_stays_until_both_are_gone(api: ConfigUnderTest) -> None:
    inbound = {
        "id": "it", "name": "IT", "kind": "forward",
        "forward": {"creation_addresses": ["it@abc.com"]},
    }  # fmt: skip
    await api.client.post("inbound-channels", json=inbound)
    await api.client.post("outbound-channels", json=it_channel())
    await api.client.delete("inbound-channels/it", headers=ANY)
    assert "it@abc.com" in await api.patterns()
    await api.client.delete("outbound-channels/it", headers=ANY)
    assert "it@abc.com" not in await api.patterns()


async def test_a_secret_is_sealed_and_never_shown(api: ConfigUnderTest) -> None:
    """INVARIANT: a secret that came in is in no answer, no document, no audit and no event."""
    made = await api.client.post("outbound-channels", json=it_channel())
    assert made.status_code == 201
    assert made.json()["smtp"]["secret_set"] is True
    assert await opened(api) == SECRET
    for path in ("outbound-channels", "outbound-channels/it", "audit"):
        answer = await api.client.get(path)
        assert SECRET not in answer.text
        assert '"secret"' not in answer.text
    assert all(SECRET.encode() not in one.value for one in (await api.config.all()).values())
    assert SECRET not in repr(api.bus.told)
    assert SECRET not in repr(api.dispatch.asked)


async def test_a_new_channel_is_tried_with_its_sealed_secret(api: ConfigUnderTest) -> None:
    await api.client.post("outbound-channels", json=it_channel())
    (question,) = api.dispatch.asked
    assert question.channel.id == "it"
    assert question.sealed_secret is not None
    opener = Opener([api.keys.private_key])
    assert opener.open(NAME, question.sealed_secret).get_secret_value() == SECRET


async def test_a_failing_try_names_its_step_and_saves_nothing(api: ConfigUnderTest) -> None:
    api.dispatch.fails_at = TryStepName.SIGN_IN
    answer = await api.client.post("outbound-channels", json=it_channel())
    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/try-failed"
    assert "sign-in" in answer.json()["detail"]
    assert answer.json()["errors"][0]["pointer"] == "#/smtp/secret"
    assert (await api.client.get("outbound-channels/it")).status_code == 404
    assert await opened(api) is None


async def test_force_saves_what_does_not_work(api: ConfigUnderTest) -> None:
    api.dispatch.fails_at = TryStepName.CONNECT
    answer = await api.client.post("outbound-channels?force=true", json=it_channel())
    assert answer.status_code == 201


async def test_without_dispatch_only_force_saves(api: ConfigUnderTest) -> None:
    del api.bus.answers[TRY_OUTBOUND_SUBJECT]
    answer = await api.client.post("outbound-channels", json=it_channel())
    assert answer.status_code == 503
    assert "retry-after" in answer.headers
    assert answer.json()["type"] == "/problems/try-unavailable"
    forced = await api.client.post("outbound-channels?force=true", json=it_channel())
    assert forced.status_code == 201


async def test_a_change_of_name_is_not_tried_and_one_of_port_is(api: ConfigUnderTest) -> None:
    await api.client.post("outbound-channels", json=it_channel())
    await api.client.patch("outbound-channels/it", json={"name": "New"}, headers=ANY)
    assert len(api.dispatch.asked) == 1
    await api.client.patch("outbound-channels/it", json={"smtp": {"port": 465}}, headers=ANY)
    assert len(api.dispatch.asked) == 2
    assert api.dispatch.asked[1].sealed_secret is None, "the kept one serves"
    assert await opened(api) == SECRET


async def test_a_failing_change_leaves_the_channel_as_it_was(api: ConfigUnderTest) -> None:
    before = await api.client.post("outbound-channels", json=it_channel())
    api.dispatch.fails_at = TryStepName.TLS
    patch = {"smtp": {"tls": "implicit", "secret": "other"}}
    answer = await api.client.patch("outbound-channels/it", json=patch, headers=ANY)
    assert answer.status_code == 422
    assert (await api.client.get("outbound-channels/it")).json() == before.json()
    assert await opened(api) == SECRET
    forced = await api.client.patch("outbound-channels/it?force=true", json=patch, headers=ANY)
    assert forced.status_code == 200
    assert await opened(api) == "other"


async def test_a_new_secret_is_a_change_that_the_audit_shows(api: ConfigUnderTest) -> None:
    made = await api.client.post("outbound-channels", json=it_channel())
    answer = await api.client.patch(
        "outbound-channels/it", json={"smtp": {"secret": "new"}}, headers=ANY
    )
    assert answer.headers["etag"] != made.headers["etag"]
    assert await opened(api) == "new"
    newest = (await api.items("audit", kind="outbound-channels", id="it"))[0]
    assert newest["action"] == "changed"
    assert newest["before"] != newest["after"]


async def test_another_host_needs_the_secret_again(api: ConfigUnderTest) -> None:
    await api.client.post("outbound-channels", json=it_channel())
    patch = {"smtp": {"host": "mail.evil.example"}}
    answer = await api.client.patch("outbound-channels/it", json=patch, headers=ANY)
    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/secret-needed"
    patch["smtp"]["secret"] = SECRET
    again = await api.client.patch("outbound-channels/it", json=patch, headers=ANY)
    assert again.status_code == 200


async def test_a_secret_can_be_taken_away(api: ConfigUnderTest) -> None:
    await api.client.post("outbound-channels", json=it_channel())
    refused = await api.client.patch(
        "outbound-channels/it", json={"smtp": {"secret": None}}, headers=ANY
    )
    assert refused.status_code == 422
    patch = {"smtp": {"secret": None, "auth": "none"}}
    answer = await api.client.patch("outbound-channels/it", json=patch, headers=ANY)
    assert answer.json()["smtp"]["secret_set"] is False
    assert await opened(api) is None


async def test_a_channel_takes_its_secret_with_it(api: ConfigUnderTest) -> None:
    await api.client.post("outbound-channels", json=it_channel())
    gone = await api.client.delete("outbound-channels/it", headers=ANY)
    assert gone.status_code == 204
    assert await opened(api) is None


async def test_a_secret_left_by_a_crash_does_not_serve_the_next_channel(
    api: ConfigUnderTest,
) -> None:
    await api.secrets.create(NAME, b"left over")
    body = it_channel(secret=None, auth="none", username=None)
    made = await api.client.post("outbound-channels", json=body)
    assert made.status_code == 201
    assert made.json()["smtp"]["secret_set"] is False
    assert await api.secrets.get(NAME) is None


async def test_what_was_read_can_be_sent_back(api: ConfigUnderTest) -> None:
    made = await api.client.post("outbound-channels", json=it_channel())
    answer = await api.client.patch(
        "outbound-channels/it", json=made.json(), headers={"If-Match": made.headers["etag"]}
    )
    assert answer.status_code == 200
    assert answer.headers["etag"] == made.headers["etag"]
    assert await opened(api) == SECRET


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (it_channel(secret=None), "#/smtp/secret"),
        (it_channel(username=None), "#/smtp/username"),
        (it_channel(port=70000), "#/smtp/port"),
        (it_channel(host="mail.abc.com; rm"), "#/smtp/host"),
        (it_channel(password="x"), "#/smtp/password"),
        ({**it_channel(), "kind": "relay"}, "#"),
        ({"id": "it", "name": "IT", "kind": "smtp"}, "#"),
    ],
)
async def test_what_is_wrong_is_named(
    api: ConfigUnderTest, body: dict[str, Any], pointer: str
) -> None:
    answer = await api.client.post("outbound-channels", json=body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert SECRET not in answer.text


async def test_the_relay_stays(api: ConfigUnderTest) -> None:
    gone = await api.client.delete("outbound-channels/relay", headers=ANY)
    assert (gone.status_code, gone.json()["type"]) == (409, "/problems/protected")
    patch = {"kind": "smtp", "from_address": "a@b.c", "smtp": {"host": "x"}}
    changed = await api.client.patch("outbound-channels/relay", json=patch, headers=ANY)
    assert changed.status_code == 409


async def test_a_channel_that_carries_answers_stays_and_says_whose(api: ConfigUnderTest) -> None:
    relay = {"id": "second", "name": "Second", "kind": "relay", "from_address": "it@abc.com"}
    await api.client.post("outbound-channels", json=relay)
    await api.client.patch("inbound-channels/support", json={"reply_via": "second"}, headers=ANY)
    refused = await api.client.delete("outbound-channels/second", headers=ANY)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/in-use")
    assert "support" in refused.json()["detail"]
    await api.client.patch("inbound-channels/support", json={"reply_via": None}, headers=ANY)
    assert (await api.client.delete("outbound-channels/second", headers=ANY)).status_code == 204


async def test_the_own_channel_of_a_queue_stays_too(api: ConfigUnderTest) -> None:
    own = {"id": "support", "name": "Own", "kind": "relay", "from_address": "s@abc.com"}
    await api.client.post("outbound-channels", json=own)
    refused = await api.client.delete("outbound-channels/support", headers=ANY)
    assert refused.status_code == 409


async def test_a_test_passes_on_what_dispatch_says(api: ConfigUnderTest) -> None:
    good = (await api.client.post("outbound-channels/relay/test")).json()
    step = {"name": "resolve", "ok": True, "detail": "", "reason": "", "advice": ""}
    assert good == {"ok": True, "steps": [step]}
    api.dispatch.fails_at = TryStepName.CONNECT
    bad = (await api.client.post("outbound-channels/relay/test")).json()
    assert bad["ok"] is False
    assert bad["steps"][-1] == {**step, "name": "connect", "ok": False, "detail": "535 no"}
    assert (await api.client.post("outbound-channels/none/test")).status_code == 404


async def test_health_remembers_the_last_try_and_claims_nothing_before_it(
    api: ConfigUnderTest,
) -> None:
    async def relay() -> dict[str, Any]:
        return next(one for one in await api.items("health") if one["channel"] == "relay")

    assert (await relay())["state"] == "unknown"
    await api.client.post("outbound-channels/relay/test")
    assert (await relay())["state"] == "connected"
    api.dispatch.fails_at = TryStepName.CONNECT
    await api.client.post("outbound-channels/relay/test")
    assert (await relay())["state"] == "degraded"
    assert (await relay())["last_error"] == "connect: 535 no"


async def test_without_a_public_key_no_secret_is_taken(tmp_path: Path) -> None:
    async with running(tmp_path, secrets_public_key_file=None) as api:
        answer = await api.client.post("outbound-channels?force=true", json=it_channel())
    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/not-configured"
