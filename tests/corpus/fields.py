"""Header fields, texts and files against what the peers' own tests say."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from corpus.answers import Answer
from corpus.leaves import leaf_readings
from corpus.source import Mail
from postbus.mail.parsed import ParsedAttachment, ParsedMail

_KEYS = (
    "from", "from_name", "to", "cc", "reply_to", "subject", "message_id", "in_reply_to",
    "references", "text_exact", "html_exact", "attachment_count",
)  # fmt: skip
_FILE_KEYS = ("name", "size", "md5", "sha256", "type")


def fields(mail: Mail, parsed: ParsedMail) -> Iterator[Answer]:
    """One answer a field; where another reading is as good as the peer's, counted apart."""
    for one in _answers(mail, parsed):
        is_taste = "peer_choice" in mail.want
        yield replace(one, question="fields, the peer's taste") if is_taste else one


def _answers(mail: Mail, parsed: ParsedMail) -> Iterator[Answer]:
    for key in _KEYS:
        if key in mail.want:
            want, got = mail.want[key], _got(parsed, key)
            yield _field(mail, key, _same(key, want, got), want=want, got=got)
    named = [
        one
        for one in mail.want.get("attachments", [])
        if isinstance(one, dict) and {"name", "size", "md5", "sha256"} & set(one)
    ]
    if named:
        have = [_facts(one) for one in parsed.attachments]
        yield _field(mail, "attachments", _files_agree(named, have), want=named, got=have)
    if mail.want.get("leaf_bodies"):
        have_hashes = {hashlib.sha256(one).hexdigest() for one in leaf_readings(mail.raw)}
        for leaf in mail.want["leaf_bodies"]:
            right = leaf["sha256"] in have_hashes
            yield _field(mail, f"part {leaf['path']}", right, want=leaf, got="no such bytes")


def _field(mail: Mail, key: str, right: bool, *, want: object, got: object) -> Answer:  # noqa: FBT001 - the verdict
    return Answer("fields", f"{mail.label} {key}", int(right), want=want, got=got)


def _got(parsed: ParsedMail, key: str) -> Any:
    own = {
        "from": [parsed.from_.address.lower()] if parsed.from_.address else [],
        "from_name": parsed.from_.name,
        "text_exact": parsed.full_text,
        "html_exact": parsed.html,
        "attachment_count": len(parsed.attachments),
        "in_reply_to": list(parsed.in_reply_to),
        "references": list(parsed.references),
    }
    if key in ("to", "cc", "reply_to"):
        return [one.address.lower() for one in getattr(parsed, key)]
    return own[key] if key in own else getattr(parsed, key)


def _same(key: str, want: Any, got: Any) -> bool:
    if isinstance(want, list):
        return sorted(one.lower() for one in want) == sorted(one.lower() for one in got)
    if key.endswith("_exact") and want is not None and got is not None:
        return bool(want.replace("\r\n", "\n").strip() == got.replace("\r\n", "\n").strip())
    return bool(want == got)


def bytes_of(file: ParsedAttachment) -> bytes:
    """The bytes of an attachment, whether it holds them or reads them when asked."""
    data: Any = file.data
    return data() if callable(data) else bytes(data)


def _facts(file: ParsedAttachment) -> dict[str, Any]:
    data = bytes_of(file)
    return {
        "name": file.name,
        "type": file.content_type,
        "size": len(data),
        "md5": hashlib.md5(data, usedforsecurity=False).hexdigest(),
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def _files_agree(want: list[dict[str, Any]], have: list[dict[str, Any]]) -> bool:
    left = list(have)
    for one in want:
        keys = [key for key in _FILE_KEYS if key in one]
        hit = next((file for file in left if all(file[k] == one[k] for k in keys)), None)
        if hit is None:
            return False
        left.remove(hit)
    return True
