"""Mails are read in real processes, which a hostile mail may cost and the service survives."""

import asyncio
import base64
import os

import psutil
import pytest

from postbus.errors import MailUnreadable
from postbus.mail.parse import parse
from postbus.reading import MailReader, ReadingLimits

pytestmark = pytest.mark.timeout(60)


def readers() -> set[int]:
    children = psutil.Process().children(recursive=True)
    return {one.pid for one in children if "anyio.to_process" in " ".join(one.cmdline())}


def mail_with_file(size: int) -> bytes:
    head = (
        b"From: anna@example.com\r\nSubject: big\r\nContent-Type: multipart/mixed; boundary=b\r\n"
        b"\r\n--b\r\n\r\nwords\r\n--b\r\nContent-Type: application/zip; name=a.zip\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n"
    )
    return head + base64.encodebytes(os.urandom(size)).replace(b"\n", b"\r\n") + b"--b--\r\n"


@pytest.mark.parametrize("size", [10, 3_000_000])
async def test_a_mail_is_read_as_if_it_were_read_here(size: int) -> None:
    raw = mail_with_file(size)
    here, there = parse(raw), await MailReader().read(raw)
    assert there.attachments[0].data == here.attachments[0].data
    assert there.detached() == here.detached()


async def test_a_large_file_comes_back_as_its_place_in_the_mail() -> None:
    raw = mail_with_file(3_000_000)
    stored = (await MailReader().read(raw)).attachments[0].content.stored
    assert isinstance(stored, memoryview)
    assert stored.obj is raw


async def test_a_mail_that_takes_too_long_ends_its_process_and_no_other() -> None:
    slow = MailReader(ReadingLimits(seconds=0.02, processes=1))
    with pytest.raises(MailUnreadable, match=r"0\.02 s"):
        await slow.read(mail_with_file(30_000_000))
    patient = MailReader()
    assert (await patient.read(b"Subject: next\n\nwords")).subject == "next"


@pytest.mark.parametrize("size", [80_000, 800_000])
async def test_a_mail_that_takes_too_much_memory_is_unreadable_and_the_next_is_read(
    size: int,
) -> None:
    limited = MailReader(ReadingLimits(memory_bytes=1, processes=1))
    with pytest.raises(MailUnreadable, match="memory"):
        await limited.read(b"Subject: x\n\n" + b"words " * size)
    assert (await MailReader().read(b"Subject: next\n\nwords")).subject == "next"


async def test_many_mails_at_a_time_use_few_processes() -> None:
    before = readers()
    reader = MailReader()
    await reader.start()
    mails = [f"Subject: {number}\n\nwords".encode() for number in range(50)]
    found = await asyncio.gather(*(reader.read(raw) for raw in mails))
    assert [one.subject for one in found] == [str(number) for number in range(50)]
    assert 1 <= len(readers() - before) <= ReadingLimits().processes
