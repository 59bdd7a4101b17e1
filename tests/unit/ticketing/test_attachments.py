"""Files of an answer: those that its HTML shows, and when two answers are the same."""

import base64

import pytest
from pydantic import ValidationError

from doubles.blobs import MemoryBlobs
from postbus.contracts.mail import Attachment
from ticketing.answering import Answer
from ticketing.api.attachments import keep
from ticketing.api.bodies import AttachmentIn

DATA = base64.b64encode(b"data").decode()


async def test_a_picture_that_the_html_shows_keeps_its_content_id() -> None:
    given = [
        AttachmentIn(name="shot.png", content_base64=DATA, content_id="shot@desk"),
        AttachmentIn(name="plan.pdf", content_base64=DATA),
    ]
    shot, plan = await keep(given, MemoryBlobs())
    assert (shot.inline, shot.content_id) == (True, "shot@desk")
    assert (plan.inline, plan.content_id) == (False, None)


@pytest.mark.parametrize("odd", ["", "a b", "<a@b>", "a\r\nBcc: b", "a" * 201])
def test_an_odd_content_id_is_refused(odd: str) -> None:
    with pytest.raises(ValidationError):
        AttachmentIn(name="shot.png", content_base64=DATA, content_id=odd)


def test_another_content_id_is_another_answer_and_none_is_as_before() -> None:
    """The digest of answers without one must not change: their keys were used before."""
    file = Attachment(name="a.png", content_type="image/png", size_bytes=4, sha256="a" * 64)
    shown = file.model_copy(update={"content_id": "a@b"})
    plain = Answer("Hello", attachments=(file,)).digest()
    assert plain == ("44171d3291fc52aec6f93cd26aa697ab59bd85a5ec2c13ed64cfab0e9746b0d4")
    assert Answer("Hello", attachments=(shown,)).digest() != plain
