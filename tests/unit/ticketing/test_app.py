"""The ticketing API as it is put together, before anything is started."""

import base64
from pathlib import Path
from typing import Any

import httpx
import pytest

from ticketing.app import build
from ticketing.settings import TicketingSettings

TEN_MEGABYTES = 10 * 1024 * 1024


def api(folder: Path, **others: Any) -> httpx.AsyncClient:
    keys = folder / "stamp.keys"
    keys.write_text(base64.b64encode(b"k" * 32).decode())
    settings = TicketingSettings(
        stamp_keys_file=keys, blob_url=(folder / "blobs").as_uri(), **others
    )
    transport = httpx.ASGITransport(build(settings).api, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://ticketing/api/v1/")


@pytest.mark.parametrize(
    ("file_bytes", "status"),
    [(TEN_MEGABYTES, 401), (2 * TEN_MEGABYTES, 401), (3 * TEN_MEGABYTES, 413)],
)
async def test_an_answer_may_carry_ten_megabytes_and_not_anything(
    tmp_path: Path, file_bytes: int, status: int
) -> None:
    """Without a token it gets no further than 401, and no larger body gets even there."""
    file = {"name": "plan.pdf", "content_base64": base64.b64encode(bytes(file_bytes)).decode()}
    async with api(tmp_path) as client:
        body = {"text": "Here it is.", "attachments": [file]}
        answer = await client.post("tickets/1/replies", json=body, headers={"Idempotency-Key": "k"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_limit_is_a_setting(tmp_path: Path) -> None:
    async with api(tmp_path, max_request_bytes=10) as client:
        answer = await client.post("tickets/1/notes", json={"text": "too long"})
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")
