from hashlib import sha256

from builders import multipart_mail, part, raw_mail
from doubles.blobs import MemoryBlobs
from postbus.contracts.base import BlobRef
from postbus.contracts.mail import INLINE_TEXT_LIMIT_BYTES, Content
from postbus.intake import keep
from postbus.mail.identity import mail_id
from postbus.mail.parse import parse

RAW = BlobRef(sha256="a" * 64, size_bytes=10)


async def test_every_file_of_a_mail_is_kept_under_the_name_the_fact_uses() -> None:
    raw = multipart_mail(
        "mixed",
        part("text/plain", "Help."),
        *(part("application/pdf", b"%PDF" + bytes([n])) for n in range(20)),
    )
    blobs = MemoryBlobs()
    taken = await keep(parse(raw), raw, RAW, blobs=blobs)
    assert {file.sha256 for file in taken.parsed.attachments} == set(blobs.kept)
    assert len(blobs.kept) == 20
    assert (taken.mail_id, taken.raw, taken.content) == (mail_id(parse(raw), raw), RAW, None)


async def test_long_texts_are_kept_whole_beside_the_files() -> None:
    text = "a line of text\n" * INLINE_TEXT_LIMIT_BYTES
    raw = raw_mail(body=text)
    blobs = MemoryBlobs()
    taken = await keep(parse(raw), raw, RAW, blobs=blobs)
    assert taken.content is not None
    kept = blobs.kept[taken.content.sha256]
    assert sha256(kept).hexdigest() == taken.content.sha256
    assert Content.model_validate_json(kept).full_text.count("a line of text") == len(text) // 15
