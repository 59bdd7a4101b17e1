"""Mailboxes that are read by IMAP, over HTTP: tried, and with secrets that go in and never out."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from doubles.config_api import ConfigUnderTest, running
from postbus.connecting import GoogleServiceAccount
from postbus.contracts.catalogue import TRY_INBOUND_SUBJECT
from postbus.contracts.trying import TryStepName

SECRET = "abcd efgh ijkl mnop"
NAME = "inbound-channels.it"
ANY = {"If-Match": "*"}
PRIVATE_KEY = "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n"
KEY = {
    "type": "service_account",
    "client_email": "postbus@project.iam.gserviceaccount.com",
    "private_key_id": "k1",
    "private_key": PRIVATE_KEY,
    "token_uri": "https://evil.example/token",
}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ConfigUnderTest]:
    async with running(tmp_path) as under_test:
        yield under_test


def mailbox(**imap: Any) -> dict[str, Any]:
    settings = {"host": "mail.abc.com", "username": "it", "secret": SECRET, **imap}
    return {
        "id": "it",
        "name": "IT",
        "kind": "imap",
        "address": "IT@abc.com",
        "after_fetch": "move:Done",
        "imap": {name: value for name, value in settings.items() if value is not None},
    }


async def make(api: ConfigUnderTest, **imap: Any) -> Any:
    answer = await api.client.post("inbound-channels", json=mailbox(**imap))
    assert answer.status_code == 201, answer.text
    return answer


async def patch(api: ConfigUnderTest, body: dict[str, Any], query: str = "") -> Any:
    return await api.client.patch(f"inbound-channels/it{query}", json=body, headers=ANY)


async def test_a_mailbox_is_tried_and_made_with_its_secret_sealed(api: ConfigUnderTest) -> None:
    """INVARIANT: a secret that came in is in no answer, no document, no audit and no event."""
    made = await make(api, folders=["INBOX", "Sales"], history="all", sent_folder="Sent")
    (question,) = api.ingest.asked
    assert (question.channel.id, question.channel.move_to) == ("it", "Done")
    assert await api.opened(NAME) == SECRET
    imap = made.json()["imap"]
    assert imap["secret_set"] is True
    assert (imap["port"], imap["tls"], imap["folders"]) == (993, "implicit", ["INBOX", "Sales"])
    assert "it@abc.com" in await api.patterns()
    for path in ("inbound-channels", "inbound-channels/it", "audit"):
        answer = await api.client.get(path)
        assert SECRET not in answer.text
        assert '"secret"' not in answer.text
    assert all(SECRET.encode() not in one.value for one in (await api.config.all()).values())
    assert SECRET not in repr(api.bus.told)
    assert SECRET not in repr(api.ingest.asked)


async def test_a_failing_try_names_step_reason_and_advice_and_saves_nothing(
    api: ConfigUnderTest,
) -> None:
    api.ingest.fails_at = TryStepName.SIGN_IN
    answer = await api.client.post("inbound-channels", json=mailbox())
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["type"] == "/problems/try-failed"
    said = (problem["step"], problem["reason"], problem["advice"])
    assert said == ("sign-in", "wrong-password", "Do it.")
    assert [error["pointer"] for error in problem["errors"]] == ["#/imap/secret"]
    assert await api.opened(NAME) is None
    assert "it@abc.com" not in await api.patterns()
    forced = await api.client.post("inbound-channels?force=true", json=mailbox())
    assert forced.status_code == 201


async def test_without_ingest_imap_only_force_saves(api: ConfigUnderTest) -> None:
    del api.bus.answers[TRY_INBOUND_SUBJECT]
    answer = await api.client.post("inbound-channels", json=mailbox())
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/try-unavailable")
    assert "ingest-imap" in answer.json()["detail"]
    forced = await api.client.post("inbound-channels?force=true", json=mailbox())
    assert forced.status_code == 201


async def test_an_id_that_is_taken_leaves_its_channel_and_secret_alone(
    api: ConfigUnderTest,
) -> None:
    """INVARIANT: else making a channel twice would take the password of the first away."""
    await make(api)
    again = await api.client.post("inbound-channels", json=mailbox(secret="other"))
    assert (again.status_code, again.json()["type"]) == (409, "/problems/already-exists")
    assert await api.opened(NAME) == SECRET
    assert len(api.ingest.asked) == 1


@pytest.mark.parametrize(
    ("change", "tries"),
    [
        ({"name": "New"}, 0),
        ({"colour": "#000000"}, 0),
        ({"after_fetch": "mark-seen"}, 1),
        ({"imap": {"folders": ["INBOX", "Old"]}}, 1),
        ({"imap": {"port": 143, "tls": "starttls"}}, 1),
        ({"imap": {"secret": "new"}}, 1),
        ({"enabled": False}, 0),
    ],
)
async def test_a_change_is_tried_where_it_matters(
    api: ConfigUnderTest, change: dict[str, Any], tries: int
) -> None:
    await make(api)
    answer = await patch(api, change)
    assert answer.status_code == 200, answer.text
    assert len(api.ingest.asked) == 1 + tries
    assert await api.opened(NAME) == change.get("imap", {}).get("secret", SECRET)


@pytest.mark.parametrize(
    "imap", [{"host": "mail.evil.example"}, {"tls": "none"}, {"ca_certificates": "mine"}]
)
async def test_a_kept_secret_does_not_follow(api: ConfigUnderTest, imap: dict[str, Any]) -> None:
    """INVARIANT: whoever may change the host must not get the password that way, even by force."""
    await make(api)
    answer = await patch(api, {"imap": imap}, "?force=true")
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/secret-needed")
    assert (await patch(api, {"imap": {**imap, "secret": SECRET}})).status_code == 200


async def test_a_mailbox_is_read_from_when_it_was_made(api: ConfigUnderTest) -> None:
    """INVARIANT: mail that comes before anybody looks is mail of today; else it is left alone."""
    before = datetime.now(UTC)
    made = (await make(api)).json()
    since = datetime.fromisoformat(made["imap"]["since"])
    assert before <= since <= datetime.now(UTC)
    assert (await patch(api, {"name": "Other"})).json()["imap"]["since"] == made["imap"]["since"]


async def test_what_was_read_can_be_sent_back(api: ConfigUnderTest) -> None:
    made = await make(api)
    answer = await patch(api, made.json())
    assert answer.headers["etag"] == made.headers["etag"]
    assert await api.opened(NAME) == SECRET


async def test_a_kind_stays(api: ConfigUnderTest) -> None:
    await make(api)
    forward = {
        "kind": "forward",
        "imap": None,
        "after_fetch": "keep",
        "forward": {"creation_addresses": ["it@abc.com"]},
    }
    answer = await patch(api, forward)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/protected")
    assert answer.json()["errors"][0]["pointer"] == "#/kind"


async def test_pausing_and_resuming_need_no_server(api: ConfigUnderTest) -> None:
    await make(api)
    api.ingest.fails_at = TryStepName.CONNECT
    paused = await api.client.post("inbound-channels/it/pause")
    assert (paused.status_code, paused.json()["enabled"]) == (200, False)
    resumed = await api.client.post("inbound-channels/it/resume")
    assert (resumed.status_code, resumed.json()["enabled"]) == (200, True)
    assert resumed.json()["imap"]["secret_set"] is True
    assert await api.opened(NAME) == SECRET


async def test_a_mailbox_takes_its_secret_and_its_entries_with_it(api: ConfigUnderTest) -> None:
    await make(api)
    gone = await api.client.delete("inbound-channels/it", headers=ANY)
    assert gone.status_code == 204
    assert await api.opened(NAME) is None
    assert "it@abc.com" not in await api.patterns()


async def test_a_test_shows_the_steps_of_the_try_and_those_of_the_configuration(
    api: ConfigUnderTest,
) -> None:
    await make(api)
    good = (await api.client.post("inbound-channels/it/test")).json()
    assert good["ok"] is True
    assert [step["name"] for step in good["steps"]] == [
        "resolve", "sign-in", "folders", "enabled", "reply-via", "own-address-on-filter",
    ]  # fmt: skip
    assert api.ingest.asked[-1].sealed_secret is None, "the kept one serves"
    api.ingest.fails_at = TryStepName.FOLDERS
    api.ingest.reason = "folder-missing"
    bad = (await api.client.post("inbound-channels/it/test")).json()
    assert bad["ok"] is False
    assert bad["steps"][0]["reason"] == "folder-missing"
    assert bad["steps"][0]["advice"] == "Do it."


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (mailbox(secret=None), "#/imap/secret"),
        (mailbox(folders=["A", "A"]), "#/imap/folders"),
        (mailbox(folders=["Done"]), "#"),
        (mailbox(host="x; rm"), "#/imap/host"),
        (mailbox(auth="google-oauth"), "#/imap/secret"),
        (mailbox(auth="google-service-account"), "#/imap/secret"),
        (mailbox(auth="google-service-account", secret='{"type": "x"}'), "#/imap/secret"),
        ({**mailbox(), "address": None}, "#"),
        ({**mailbox(), "after_fetch": "delete"}, "#/after_fetch"),
        ({**mailbox(), "reply_via": "nowhere"}, "#/reply_via"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_named(
    api: ConfigUnderTest, body: dict[str, Any], pointer: str
) -> None:
    answer = await api.client.post("inbound-channels", json=body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert SECRET not in answer.text
    assert api.ingest.asked == []


async def test_the_key_of_a_service_account_is_sealed_for_its_mailbox_only(
    api: ConfigUnderTest,
) -> None:
    """INVARIANT: of a key file only the key is kept, never an address to send secrets to."""
    await make(api, auth="google-service-account", username="it@abc.com", secret=json.dumps(KEY))
    sealed = json.loads(await api.opened(NAME) or "")
    account = GoogleServiceAccount.model_validate(sealed)
    assert account.subject == "it@abc.com"
    assert account.private_key == PRIVATE_KEY
    assert "evil" not in json.dumps(sealed)
    refused = await patch(api, {"imap": {"username": "boss@abc.com"}})
    assert refused.json()["type"] == "/problems/secret-needed"


async def test_an_outbound_channel_of_gmail_knows_its_server(api: ConfigUnderTest) -> None:
    body = {
        "id": "g", "name": "G", "kind": "gmail", "from_address": "g@abc.com",
        "smtp": {"secret": SECRET}, "sent_copy": "none",
    }  # fmt: skip
    made = await api.client.post("outbound-channels", json=body)
    assert made.status_code == 201, made.text
    smtp = made.json()["smtp"]
    assert (smtp["host"], smtp["port"], smtp["tls"]) == ("smtp.gmail.com", 465, "implicit")
    assert (smtp["username"], smtp["auth"], smtp["secret_set"]) == ("g@abc.com", "password", True)
    assert made.json()["sent_copy"] == "none"
    other = {**body, "id": "h", "smtp": {"auth": "xoauth2", "secret": json.dumps(KEY)}}
    assert (await api.client.post("outbound-channels", json=other)).status_code == 201
    sealed = json.loads(await api.opened("outbound-channels.h") or "")
    assert sealed["subject"] == "g@abc.com"
    bare = {**body, "id": "i"}
    del bare["smtp"]
    refused = await api.client.post("outbound-channels", json=bare)
    assert refused.json()["errors"][0]["pointer"] == "#/smtp/secret"
