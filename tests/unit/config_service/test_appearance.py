"""How mail of a queue looks, over HTTP."""

import base64
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from config_service.domain.logo_sizes import shown_size
from doubles.config_api import ConfigUnderTest, running
from postbus.configuration import Configuration, read_value
from postbus.configuration.documents import Kept

ANY = {"If-Match": "*"}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ConfigUnderTest]:
    async with running(tmp_path) as under_test:
        yield under_test


def picture(kind: str = "PNG", size: tuple[int, int] = (480, 80)) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, "#aa5500").save(made, kind)
    return made.getvalue()


async def put(api: ConfigUnderTest, body: dict[str, Any], **headers: str) -> httpx.Response:
    return await api.client.put("appearance/support", json=body, headers=headers)


async def kept_by(api: ConfigUnderTest) -> Configuration:
    """What the other services read."""
    entries = [read_value(e.key, e.value, e.revision) for e in (await api.config.all()).values()]
    contents = [one.content() for one in entries if isinstance(one, Kept)]
    return Configuration.of([one for one in contents if one is not None])  # type: ignore[misc] # all of them can be read


async def test_an_appearance_comes_changes_and_goes(api: ConfigUnderTest) -> None:
    assert (await api.client.get("appearance/support")).status_code == 404
    made = await put(api, {"accent": "#aa5500", "signature": "Yours"})
    assert made.status_code == 201
    assert made.headers["location"] == "/api/v1/appearance/support"
    assert (made.json()["id"], made.json()["quote"]) == ("support", "last")
    assert (await put(api, {"accent": "#000000"})).status_code == 428
    assert (await put(api, {}, **{"If-Match": '"1"'})).status_code == 412
    changed = await put(api, {"quote": "none"}, **{"If-Match": made.headers["etag"]})
    assert (changed.status_code, changed.json()["accent"]) == (200, None)
    known = (await kept_by(api)).appearance("support")
    assert known is not None
    assert known.quote == "none"
    assert [one["id"] for one in await api.items("appearance")] == ["support"]
    gone = await api.client.delete("appearance/support", headers=ANY)
    assert gone.status_code == 204
    assert (await kept_by(api)).appearance("support") is None
    records = await api.items("audit", kind="appearance")
    assert [one["action"] for one in records] == ["deleted", "changed", "created"]
    assert {one["who"] for one in records} == {"the admin"}


async def test_a_condition_on_what_is_not_there_fails(api: ConfigUnderTest) -> None:
    assert (await put(api, {}, **ANY)).status_code == 412


async def test_a_queue_that_is_not_there_has_no_appearance(api: ConfigUnderTest) -> None:
    for answer in (
        await api.client.put("appearance/nobody", json={}),
        await api.client.put("appearance/nobody/logo", content=picture()),
        await api.client.post("appearance/nobody/preview", json={}),
        await api.client.get("appearance/nobody/logo"),
    ):
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


@pytest.mark.parametrize(
    ("body", "pointer", "says"),
    [
        ({"signature": "a\n{{ nobody }}"}, "#/signature", "line 2"),
        ({"frame": "{% for a in 'b' %}x{% endfor %}"}, "#/frame", "loops"),
        ({"frame": "<p>hello</p>"}, "#/frame", "content"),
        ({"receipts": {"nl": {"text": "{{"}}}, "#/receipts/nl/text", "line 1"),
        ({"receipts": {"Dutch": {"text": "x"}}}, "#/receipts/Dutch", ""),
        ({"accent": "red"}, "#/accent", ""),
        ({"frame": "x" * 16_001}, "#/frame", ""),
        ({"id": "other"}, "#/id", ""),
        ({"nonsense": 1}, "#/nonsense", ""),
        ({"receipts": {"nl": {"text": "x", "subjekt": "y"}}}, "#/receipts/nl/subjekt", ""),
    ],
)
async def test_what_is_wrong_is_refused_and_said(
    api: ConfigUnderTest, body: dict[str, Any], pointer: str, says: str
) -> None:
    for answer in (
        await put(api, body),
        await api.client.post("appearance/support/preview", json={"appearance": body}),
    ):
        assert answer.status_code == 422
        error = answer.json()["errors"][0]
        assert error["pointer"].replace("#/appearance/", "#/").startswith(pointer)
        assert says in error["detail"]


@pytest.mark.parametrize(
    ("kind", "media_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("GIF", "image/gif")]
)
async def test_a_logo_is_kept_shown_and_taken_away(
    api: ConfigUnderTest, kind: str, media_type: str
) -> None:
    data = picture(kind)
    made = await api.client.put("appearance/support/logo", content=data)
    logo = made.json()["logo"]
    assert (logo["content_type"], logo["width"], logo["height"]) == (media_type, 240, 40)
    found = await api.client.get("appearance/support/logo")
    assert (found.content, found.headers["content-type"]) == (data, media_type)
    assert found.headers["x-content-type-options"] == "nosniff"
    again = {"accent": "#aa5500", "logo": None}
    replaced = await put(api, again, **{"If-Match": made.headers["etag"]})
    assert replaced.json()["logo"] == logo
    assert (await api.client.put("appearance/support/logo", content=data)).status_code == 428
    path = "appearance/support/logo"
    assert (await api.client.delete(path, headers=ANY)).status_code == 204
    assert (await api.client.get(path)).status_code == 404
    assert (await api.client.delete(path, headers=ANY)).status_code == 404
    assert (await api.client.get("appearance/support")).json()["accent"] == "#aa5500"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", 422),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 422),
        (picture()[:-20], 422),
        (picture("JPEG")[:200], 422),
        (picture("BMP"), 422),
        (picture(size=(2001, 2000)), 422),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 300_000, 413),
    ],
    ids=["nothing", "svg", "half a png", "half a jpeg", "bmp", "huge", "heavy"],
)
async def test_what_is_no_fit_picture_is_refused(
    api: ConfigUnderTest, data: bytes, status: int
) -> None:
    answer = await api.client.put("appearance/support/logo", content=data)
    assert answer.status_code == status
    assert (await api.client.get("appearance/support")).status_code == 404


async def test_the_preview_shows_a_draft_and_keeps_nothing(api: ConfigUnderTest) -> None:
    data = picture()
    await api.client.put("appearance/support/logo", content=data)
    draft = {"accent": "#123456", "signature": "Yours, {{ queue.name }}"}
    shown = await api.client.post(
        "appearance/support/preview", json={"appearance": draft, "text": "Hello <you>"}
    )
    view = shown.json()
    assert view["subject"] == "Re: Printer on fire"
    assert view["text"].startswith("Hello <you>\n\nYours, Support\n")
    assert "solid #123456" in view["html"]
    assert "Hello &lt;you&gt;" in view["html"]
    assert f"data:image/png;base64,{base64.b64encode(data).decode()}" in view["html"]
    assert (await api.client.get("appearance/support")).json()["accent"] is None


@pytest.mark.parametrize(
    ("language", "subject", "says"),
    [
        ("nl", "Ontvangen: #4711", "Dag Anna Jansen"),
        ("de", "Re: Printer on fire", "vielen Dank"),
        (None, "Re: Printer on fire", "Thank you"),
    ],
)
async def test_the_preview_of_a_receipt_speaks_the_language(
    api: ConfigUnderTest, language: str | None, subject: str, says: str
) -> None:
    text = {"subject": "Ontvangen: #{{ ticket.number }}", "text": "Dag {{ customer.name }}"}
    await put(api, {"receipts": {"nl": text}})
    shown = await api.client.post(
        "appearance/support/preview", json={"mail": "receipt", "language": language}
    )
    assert shown.json()["subject"] == subject
    assert says in shown.json()["text"]
    assert "wrote" not in shown.json()["text"]


async def test_readers_look_and_only_admins_change(api: ConfigUnderTest) -> None:
    reader = {"Authorization": "Bearer the-reader-token"}
    body = {"json": {}, "headers": reader}
    assert (await api.client.put("appearance/support", **body)).status_code == 403
    logo = await api.client.put("appearance/support/logo", content=picture(), headers=reader)
    assert logo.status_code == 403
    assert (await api.client.post("appearance/support/preview", **body)).status_code == 200


async def test_the_appearance_goes_with_its_queue(api: ConfigUnderTest) -> None:
    """Else another queue of that name would look like the one before."""
    await put(api, {"accent": "#aa5500"})
    await api.client.delete("inbound-channels/support", headers=ANY)
    assert await api.items("appearance") == []


@pytest.mark.parametrize(
    ("size", "shown"),
    [((100, 50), (100, 50)), ((480, 80), (240, 40)), ((80, 800), (8, 80)), ((4000, 1), (240, 1))],
)
def test_a_logo_is_shown_small_and_in_proportion(
    size: tuple[int, int], shown: tuple[int, int]
) -> None:
    assert shown_size(*size) == shown
