"""What reading a mail costs: CPU by size, and the memory of a large one beyond itself."""

import base64
import gc
import random
import statistics
import time
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import psutil

from bench.generator import mails
from postbus.mail.parse import parse

_SMALL_BYTES = 50_000
_LARGE_MEGABYTES = 100
_ROUNDS = 3


def reading(count: int, *, seed: int) -> dict[str, Any]:
    """Median CPU in ms of mails under 50 kB and of a 1 MB attachment; extra MB for one of 100."""
    small = [one.raw for one in mails(count, seed=seed, large=False) if len(one.raw) < _SMALL_BYTES]
    return {
        "small_mails": len(small),
        "small_median_ms": statistics.median(_best(raw) for raw in small),
        "attachment_1mb_median_ms": statistics.median(
            _best(_with_file(size, seed)) for size in [1_000_000] * 9
        ),
        "extra_mb_for_100mb": _extra_megabytes(_with_file(_LARGE_MEGABYTES * 1_000_000, seed)),
    }


def _best(raw: bytes) -> float:
    """The least of some rounds: what others on the machine do is not the mail's."""
    return min(_times(raw))


def _times(raw: bytes) -> Iterator[float]:
    for _ in range(_ROUNDS):
        began = time.process_time()
        parse(raw)
        yield (time.process_time() - began) * 1000


def _with_file(size_bytes: int, seed: int) -> bytes:
    """A mail with one file, made without the help of what is measured."""
    head = EmailMessage()
    head["From"], head["To"], head["Subject"] = "a@example.org", "b@example.org", "A file"
    head["Content-Type"] = 'application/zip; name="file.zip"'
    head["Content-Transfer-Encoding"] = "base64"
    data = random.Random(seed).randbytes(size_bytes)
    return head.as_bytes().rstrip() + b"\n\n" + base64.encodebytes(data)


def _extra_megabytes(raw: bytes) -> float:
    process = psutil.Process()
    gc.collect()
    before = process.memory_info().rss
    parsed = parse(raw)
    extra = (process.memory_info().rss - before) / 1e6
    assert parsed.attachments[0].size_bytes == _LARGE_MEGABYTES * 1_000_000
    return extra
