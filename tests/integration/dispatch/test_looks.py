"""Mail in the look of its queue, by SMTP and by Graph."""

from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest

from dispatch_stage import Stage, support
from graph_builders import MAILBOX, graph_channel
from postbus.blobs import open_store
from postbus.contracts.guard import SendKind
from send_builders import STAMP, send_requested
from servers.microsoft365 import Microsoft365
from servers.smtp import SmtpServer

PNG = b"\x89PNG and more"


@pytest.fixture
def microsoft() -> Iterator[Microsoft365]:
    made = Microsoft365().start()
    made.add_mailbox(MAILBOX)
    yield made
    made.stop()


async def the_look(stage: Stage, *, kept: bool = True, **fields: Any) -> None:
    blobs = open_store(f"file://{stage.folder}/blobs")
    sha256 = (await blobs.put(PNG)).sha256 if kept else "0" * 64
    logo = {
        "sha256": sha256, "size_bytes": len(PNG), "content_type": "image/png",
        "width": 120, "height": 40,
    }  # fmt: skip
    look = {"id": "support", "accent": "#aa5500", "signature": "Yours, {{ queue.name }}"}
    await stage.configure("inbound-channels", support())
    await stage.configure("appearance", {**look, "logo": logo, **fields})


async def sent_by_relay(stage: Stage, relay: SmtpServer, send_id: str) -> EmailMessage:
    async def is_done() -> bool:
        return f"done.{send_id}" in await stage.keys()

    await stage.until(is_done)
    return read(relay.taken[-1].content)


def read(data: bytes) -> EmailMessage:
    mail = message_from_bytes(data, policy=default)
    assert isinstance(mail, EmailMessage)
    return mail


def html_of(mail: EmailMessage) -> str:
    body = mail.get_body(("html",))
    assert body is not None
    return str(body.get_content())


def pictures(mail: EmailMessage) -> dict[str, bytes]:
    return {one["Content-ID"]: one.get_content() for one in mail.walk() if one["Content-ID"]}


async def test_mail_by_smtp_has_colour_logo_and_signature(stage: Stage, relay: SmtpServer) -> None:
    await the_look(stage)
    await stage.start()
    await stage.ask_to_send(send_requested())
    mail = await sent_by_relay(stage, relay, "s-1")
    assert "solid #aa5500" in html_of(mail)
    assert "cid:logo@postbus" in html_of(mail)
    assert pictures(mail) == {"<logo@postbus>": PNG}
    text = mail.get_body(("plain",))
    assert text is not None
    assert "Yours, Support" in text.get_content()
    assert STAMP in text.get_content()


async def test_a_change_of_the_look_is_followed_at_once(stage: Stage, relay: SmtpServer) -> None:
    await the_look(stage)
    await stage.start()
    await stage.ask_to_send(send_requested())
    await sent_by_relay(stage, relay, "s-1")
    await the_look(stage, accent="#00aa55")
    await stage.ask_to_send(send_requested("s-2"))
    assert "solid #00aa55" in html_of(await sent_by_relay(stage, relay, "s-2"))


async def test_a_look_that_fails_keeps_no_mail(stage: Stage, relay: SmtpServer) -> None:
    """INVARIANT: neither a template nor the bytes of a logo can keep a mail from going out."""
    await the_look(stage, kept=False, frame="{% for a in range(10**9) %}{% endfor %}")
    service = await stage.start()
    await stage.ask_to_send(send_requested())
    mail = await sent_by_relay(stage, relay, "s-1")
    assert "Please use the stairs." in html_of(mail)
    assert pictures(mail) == {}
    for why in ("template", "logo"):
        counted = service.registry.get_sample_value("postbus_looks_failed_total", {"why": why})
        assert counted == 1


async def test_a_receipt_in_dutch_has_its_words_in_dutch(stage: Stage, relay: SmtpServer) -> None:
    await the_look(stage, signature=None)
    await stage.start()
    receipt = {"kind": SendKind.RECEIPT, "automatic": True, "language": "nl", "text": "Bedankt."}
    await stage.ask_to_send(send_requested().model_copy(update=receipt))
    mail = await sent_by_relay(stage, relay, "s-1")
    assert 'lang="nl"' in html_of(mail)
    text = mail.get_body(("plain",))
    assert text is not None
    assert text.get_content().splitlines()[:3] == ["Bedankt.", "", "Support"]


async def test_mail_by_graph_has_the_same_look(stage: Stage, microsoft: Microsoft365) -> None:
    await graph_channel(stage, microsoft)
    channel = support(reply_via="own")
    await the_look(stage)
    await stage.configure("inbound-channels", channel)
    await stage.start()
    await stage.ask_to_send(send_requested())

    async def is_done() -> bool:
        return await stage.keys() == {"done.s-1"}

    await stage.until(is_done)
    [taken] = microsoft.graph.outbox
    mail = read(taken.mime)
    assert "solid #aa5500" in html_of(mail)
    [picture] = [one for one in mail.walk() if one["Content-ID"]]
    assert picture["Content-ID"] == "<logo@postbus>"
    assert picture.get_content_disposition() == "inline"
    assert picture.get_content() == PNG
