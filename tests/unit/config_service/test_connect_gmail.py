"""A whole Gmail mailbox in one call over HTTP: both channels and the filter entries, or nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from config_service.domain.gmail import bare_app_password
from config_service.domain.mailbox_wish import default_id, default_name
from doubles.config_api import ConfigUnderTest, running
from postbus.contracts.catalogue import TRY_INBOUND_SUBJECT
from postbus.contracts.trying import TryStepName

ANY = {"If-Match": "*"}
PASSWORD = "abcdefghijklmnop"
ASKED = {"address": "Support@xyz.com", "app_password": "abcd efgh ijkl mnop"}
ID = "support-xyz-com"
KEY = {
    "type": "service_account",
    "client_email": "p@x.iam.gserviceaccount.com",
    "private_key": "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n",
}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ConfigUnderTest]:
    async with running(tmp_path) as under_test:
        yield under_test


async def connect(api: ConfigUnderTest, **fields: Any) -> Any:
    return await api.client.post("connect/gmail", json={**ASKED, **fields})


async def everything(api: ConfigUnderTest) -> dict[str, Any]:
    paths = ("inbound-channels", "outbound-channels", "outbound-filter")
    there: dict[str, Any] = {path: await api.items(path) for path in paths}
    return there | {"secrets": sorted(await api.secrets.all())}


async def test_a_mailbox_is_there_in_one_call(api: ConfigUnderTest) -> None:
    answer = await connect(api)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/api/v1/inbound-channels/{ID}"
    body = answer.json()
    came, goes = body["inbound"], body["outbound"]
    assert (came["id"], came["name"], came["kind"]) == (ID, "Support", "imap")
    assert (came["address"], came["reply_via"]) == ("Support@xyz.com", ID)
    assert (came["imap"]["host"], came["imap"]["port"]) == ("imap.gmail.com", 993)
    assert (came["imap"]["auth"], came["imap"]["secret_set"]) == ("app-password", True)
    assert (goes["id"], goes["kind"], goes["from_address"]) == (ID, "gmail", "Support@xyz.com")
    assert (goes["smtp"]["host"], goes["smtp"]["port"]) == ("smtp.gmail.com", 465)
    assert {one["pattern"] for one in body["filter_entries"]} == {"support@xyz.com"}
    assert len(body["filter_entries"]) == 2
    assert came == (await api.client.get(f"inbound-channels/{ID}")).json()
    assert goes == (await api.client.get(f"outbound-channels/{ID}")).json()
    for kind in ("inbound-channels", "outbound-channels"):
        assert await api.opened(f"{kind}.{ID}") == PASSWORD
    assert PASSWORD not in answer.text
    assert PASSWORD not in repr(api.bus.told)


async def test_what_was_wished_is_done(api: ConfigUnderTest) -> None:
    wish = {
        "id": "shop", "name": "Shop", "colour": "#112233", "from_name": "The shop",
        "history": "all", "after_fetch": "mark-seen", "folders": ["INBOX", "Orders"],
    }  # fmt: skip
    answer = await connect(api, **wish)
    body = answer.json()
    came, goes = body["inbound"], body["outbound"]
    assert (came["id"], goes["id"], came["reply_via"]) == ("shop", "shop", "shop")
    assert (came["name"], came["colour"], came["after_fetch"]) == ("Shop", "#112233", "mark-seen")
    assert (came["imap"]["history"], came["imap"]["folders"]) == ("all", ["INBOX", "Orders"])
    assert goes["from_name"] == "The shop"


async def test_servers_come_from_settings(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("PEM")
    servers = {"gmail_imap": "127.0.0.1:1993", "gmail_smtp": "127.0.0.1:1465"}
    async with running(tmp_path, gmail_ca_file=tmp_path / "ca.pem", **servers) as api:
        body = (await connect(api)).json()
        for server, port in ((body["inbound"]["imap"], 1993), (body["outbound"]["smtp"], 1465)):
            assert (server["host"], server["port"]) == ("127.0.0.1", port)
            assert (server["tls"], server["ca_certificates"]) == ("implicit", "PEM")


async def test_both_are_tried_at_once_before_anything_is_written(api: ConfigUnderTest) -> None:
    before = await everything(api)
    api.ingest.fails_at = TryStepName.SIGN_IN
    answer = await connect(api)
    assert len(api.ingest.asked) == len(api.dispatch.asked) == 1
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["type"] == "/problems/try-failed"
    assert "Reading mail: sign-in failed: it said no." in problem["detail"]
    assert (problem["step"], problem["reason"], problem["advice"]) == (
        "sign-in", "wrong-password", "Do it.",
    )  # fmt: skip
    assert problem["errors"][0]["pointer"] == "#/app_password"
    assert problem["inbound"]["ok"] is False
    assert problem["outbound"]["ok"] is True
    assert await everything(api) == before
    api.ingest.fails_at = None
    api.dispatch.fails_at = TryStepName.SENDER_ACCEPTED
    answer = await connect(api)
    assert "Sending mail: sender-accepted failed" in answer.json()["detail"]
    assert await everything(api) == before
    api.dispatch.fails_at = None
    assert (await connect(api)).status_code == 201, "and afterwards it simply works"


async def test_when_nobody_can_try_nothing_is_written(api: ConfigUnderTest) -> None:
    before = await everything(api)
    answering = api.bus.answers.pop(TRY_INBOUND_SUBJECT)
    answer = await connect(api)
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/try-unavailable")
    assert await everything(api) == before
    api.bus.answers[TRY_INBOUND_SUBJECT] = answering
    assert (await connect(api)).status_code == 201


@pytest.mark.parametrize(
    ("fields", "slug", "pointer"),
    [
        ({"id": "support"}, "already-exists", "#/id"),
        ({"id": "relay"}, "already-exists", "#/id"),
        ({"address": "support@postbus.localhost"}, "address-taken", "#/address"),
    ],
)
async def test_what_is_taken_is_said_before_anything_is_tried(
    api: ConfigUnderTest, fields: dict[str, Any], slug: str, pointer: str
) -> None:
    before = await everything(api)
    answer = await connect(api, **fields)
    assert (answer.status_code, answer.json()["type"]) == (409, f"/problems/{slug}")
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert api.ingest.asked == []
    assert await everything(api) == before


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"address": "nope"}, "#/address"),
        ({"app_password": ""}, "#/app_password"),
        ({"ticket_type": "nothing"}, "#/ticket_type"),
        ({"after_fetch": "move:INBOX"}, "#"),
        ({"password": "x"}, "#/password"),
        ({"address": "é@例え"}, "#/id"),
        ({"from_name": "a\nb"}, "#/from_name"),
    ],
)
async def test_what_is_wrong_is_named(
    api: ConfigUnderTest, fields: dict[str, Any], pointer: str
) -> None:
    answer = await connect(api, **fields)
    assert answer.status_code == 422, answer.text
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert PASSWORD not in answer.text


async def test_the_same_call_again_is_good_and_another_for_the_same_address_is_not(
    api: ConfigUnderTest,
) -> None:
    """Whoever did not hear the first answer asks again; whoever wants it otherwise changes it."""
    assert (await connect(api)).status_code == 201
    again = await connect(api, app_password="qrst uvwx yzab cdef")
    assert again.status_code == 200
    assert await api.opened(f"inbound-channels.{ID}") == "qrstuvwxyzabcdef"
    for other in ({"name": "Another"}, {"id": "another"}):
        refused = await connect(api, **other)
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/address-taken")


async def test_two_at_the_same_moment_make_one_mailbox(api: ConfigUnderTest) -> None:
    answers = await asyncio.gather(*(connect(api, name=f"Name {n}") for n in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert len(await api.items("inbound-channels")) == 2


async def test_a_way_out_that_was_there_keeps_what_is_its_own(api: ConfigUnderTest) -> None:
    out = {
        "id": ID, "name": "Mine", "kind": "gmail", "from_address": "support@xyz.com",
        "from_name": "Us", "smtp": {"secret": "old"}, "sent_copy": "none",
    }  # fmt: skip
    assert (await api.client.post("outbound-channels", json=out)).status_code == 201
    body = (await connect(api)).json()
    assert (body["outbound"]["name"], body["outbound"]["from_name"]) == ("Mine", "Us")
    assert body["outbound"]["sent_copy"] == "none"
    assert await api.opened(f"outbound-channels.{ID}") == PASSWORD


async def test_a_service_account_signs_both_in_and_replaces_what_was_there(
    api: ConfigUnderTest,
) -> None:
    await connect(api, name="Shop", folders=["INBOX", "Orders"])
    for key in (KEY, json.dumps(KEY)):
        asked = {"address": "support@xyz.com", "key": key}
        answer = await api.client.post("connect/google-service-account", json=asked)
        assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["inbound"]["imap"]["auth"] == "google-service-account"
    assert body["outbound"]["smtp"]["auth"] == "xoauth2"
    assert (body["inbound"]["name"], body["inbound"]["imap"]["folders"]) == (
        "Shop", ["INBOX", "Orders"],
    )  # fmt: skip
    for kind in ("inbound-channels", "outbound-channels"):
        sealed = json.loads(await api.opened(f"{kind}.{ID}") or "")
        assert (sealed["kind"], sealed["subject"]) == ("google-service-account", "support@xyz.com")
    new = {"address": "new@xyz.com", "key": KEY}
    made = await api.client.post("connect/google-service-account", json=new)
    assert made.status_code == 201
    bad = await api.client.post("connect/google-service-account", json={**new, "key": {"a": 1}})
    assert bad.json()["errors"][0]["pointer"] == "#/key"


@pytest.mark.parametrize(
    ("address", "id_", "name"),
    [
        ("support@xyz.com", "support-xyz-com", "Support"),
        ("Anna.Lee+x@sub.xyz.com", "anna-lee-x-sub-xyz-com", "Anna.Lee+x"),
        ("_x@y.z", "x-y-z", "_x"),
        ("a" * 64 + "@xyz.com", "a" * 63, "A" + "a" * 63),
    ],
)
def test_ids_and_names_are_made_of_the_address(address: str, id_: str, name: str) -> None:
    assert (default_id(address), default_name(address)) == (id_, name)


def test_spaces_in_an_app_password_do_not_matter() -> None:
    assert bare_app_password(" abcd\u00a0efgh ijkl\tmnop\n") == PASSWORD
