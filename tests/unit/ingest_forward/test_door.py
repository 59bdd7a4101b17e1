"""The door over real sockets; bus and disk are fakes that can be away."""

import asyncio
import smtplib
import ssl
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from builders import multipart_mail, part, raw_mail
from doubles.blobs import MemoryBlobs
from doubles.facts import MemoryFacts
from ingest_forward.adapters.aiosmtpd_door import AiosmtpdDoor, DoorSettings, tls_context
from ingest_forward.adapters.porter import Room
from ingest_forward.receive import Receiving, Surroundings
from postbus.configuration import Configuration
from postbus.contracts.configuration import ForwardSettings, InboundChannel
from postbus.contracts.mail import MailHeld, MailKind, MailReceived
from postbus.errors import BusUnavailable
from postbus.intake import Intake
from postbus.mail.identity import mail_id
from postbus.mail.parse import parse
from postbus.mail.parsed import ParsedMail
from postbus.tokens import Stamper, StampKind

MAX_BYTES = 200_000
CERTIFICATE = Path(__file__).parents[2] / "servers" / "localhost.pem"
"""For tests alone: its key is public."""
CLIENTS = ThreadPoolExecutor(max_workers=40)
STAMPER = Stamper("here", [b"k" * 32])
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def channel(id_: str, *, enabled: bool = True) -> InboundChannel:
    return InboundChannel(
        id=id_,
        name=id_,
        kind="forward",
        enabled=enabled,
        forward=ForwardSettings(
            creation_addresses=(f"{id_}@postbus.localhost", f"{id_}@bücher.example")
        ),
    )


@dataclass
class Door:
    """A running door and everything behind it."""

    blobs: MemoryBlobs = field(default_factory=MemoryBlobs)
    facts: MemoryFacts = field(default_factory=MemoryFacts)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    configuration: Configuration | None = field(
        default_factory=lambda: Configuration.of(
            [channel("support"), channel("sales"), channel("closed", enabled=False)]
        )
    )
    read: Callable[[bytes], ParsedMail] = parse
    door: AiosmtpdDoor = field(init=False)

    def __post_init__(self) -> None:
        intake = Intake(
            blobs=self.blobs,
            telling=self.facts,
            read=self._read,
            find_stamps=STAMPER.find,
            own_addresses=lambda: self._current().own_addresses(),
        )
        around = Surroundings(intake, channels=self._current, now=lambda: NOW)
        receiving = Receiving(around, self.registry, max_recipients=3)
        settings = DoorSettings(
            host="127.0.0.1", port=0, lmtp_port=0, hostname="mx.test",
            max_mail_bytes=MAX_BYTES, timeout_seconds=20, room=Room(50, 50),
            tls=tls_context(str(CERTIFICATE), None),
        )  # fmt: skip
        self.door = AiosmtpdDoor(receiving, settings, self.registry)

    async def _read(self, raw: bytes) -> ParsedMail:
        return self.read(raw)

    def _current(self) -> Configuration:
        if self.configuration is None:
            raise BusUnavailable("not read yet")
        return self.configuration

    async def speak(self, talk: Callable[[smtplib.SMTP], Any], *, lmtp: bool = False) -> Any:
        """Talk to the door from a thread, as a client on another machine would."""

        def client() -> Any:
            kind = smtplib.LMTP if lmtp else smtplib.SMTP
            smtp = kind("127.0.0.1", self.door.ports[int(lmtp)], timeout=10)
            try:
                return talk(smtp)
            finally:
                smtp.close()

        # not the loop's own threads: those read the mails
        return await asyncio.get_running_loop().run_in_executor(CLIENTS, client)

    async def send(
        self, raw: bytes, *to: str, sender: str = "anna@example.com", options: tuple[str, ...] = ()
    ) -> tuple[int, bytes]:
        """Send a mail and give the last answer, be it to RCPT or to the data."""
        recipients = to or ("support@postbus.localhost",)

        def talk(smtp: smtplib.SMTP) -> tuple[int, bytes]:
            smtp.ehlo("client.test")
            code, answer = smtp.mail(sender, options)
            if code != 250:
                return code, answer
            for recipient in recipients:
                code, answer = smtp.rcpt(recipient)
                if code != 250:
                    return code, answer
            return smtp.data(raw)

        result: tuple[int, bytes] = await self.speak(talk)
        return result

    def received(self) -> list[MailReceived]:
        return [fact.data for fact in self.facts.told if isinstance(fact.data, MailReceived)]

    def count(self, channel_id: str, outcome: str) -> float:
        labels = {"channel": channel_id, "outcome": outcome}
        return self.registry.get_sample_value("postbus_mails_received_total", labels) or 0


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    made = Door()
    await made.door.open()
    yield made
    await made.door.close(graceful_seconds=1)


async def test_a_mail_is_kept_told_and_then_accepted_with_its_id(door: Door) -> None:
    raw = multipart_mail("mixed", part("text/plain", "Help."), part("application/pdf", b"%PDF-1.4"))
    code, answer = await door.send(raw)
    fact = door.received()[0]
    assert (code, answer.decode()) == (250, f"2.0.0 {fact.mail_id}")
    assert fact.mail_id == mail_id(parse(raw), raw)
    assert fact.kind is MailKind.HUMAN
    assert fact.route.envelope_from == "anna@example.com"
    assert fact.route.envelope_to == ("support@postbus.localhost",)
    assert fact.route.received_at == NOW
    assert await door.blobs.get(fact.raw.sha256) == raw
    assert await door.blobs.get(fact.attachments[0].sha256) == b"%PDF-1.4"
    told = door.facts.told[0]
    assert (told.type, told.last_token) == ("postbus.mail.received", "support")
    assert door.count("support", "received") == 1


async def test_lines_that_begin_with_dots_arrive_as_they_were(door: Door) -> None:
    await door.send(raw_mail(body="one\n.two\n..three\n.\nend\n"))
    assert door.received()[0].full_text == "one\n.two\n..three\n.\nend"


async def test_a_stranger_is_refused_before_the_data(door: Door) -> None:
    """INVARIANT: this is no open relay."""
    code, answer = await door.send(raw_mail(), "somebody@example.org")
    assert (code, answer[:5]) == (550, b"5.1.1")
    assert door.facts.told == []
    assert door.blobs.kept == {}


@pytest.mark.parametrize(
    "address",
    [
        "support@postbus.localhost",
        "SUPPORT@Postbus.LOCALHOST",
        "support+printer@postbus.localhost",
        "support@xn--bcher-kva.example",
    ],
)
async def test_every_spelling_of_a_creation_address_is_taken(door: Door, address: str) -> None:
    code, _ = await door.send(raw_mail(), address)
    assert code == 250
    assert door.received()[0].channel == "support"


async def test_an_internationalised_recipient_is_taken_with_smtputf8(door: Door) -> None:
    def talk(smtp: smtplib.SMTP) -> tuple[int, bytes]:
        smtp.ehlo("client.test")
        assert smtp.has_extn("smtputf8")
        assert smtp.has_extn("8bitmime")
        smtp.command_encoding = "utf-8"
        smtp.mail("änna@example.com", ("SMTPUTF8", "BODY=8BITMIME"))
        smtp.rcpt("support@bücher.example")
        return smtp.data(raw_mail({"From": "änna@example.com"}, "Grüße"))

    code, _ = await door.speak(talk)
    fact = door.received()[0]
    assert (code, fact.full_text, fact.route.envelope_from) == (250, "Grüße", "änna@example.com")


async def test_a_reply_address_leads_to_its_ticket(door: Door) -> None:
    token = STAMPER.stamp(ticket_number=7, kind=StampKind.AGENT_REPLY, hop=0, at=NOW)
    code, _ = await door.send(raw_mail(), f"support+{token}@postbus.localhost")
    stamp = door.received()[0].stamp
    assert code == 250
    assert stamp is not None
    assert (stamp.ticket_number, stamp.found_in) == (7, "recipient")


async def test_a_disabled_channel_takes_no_mail_and_says_so(door: Door) -> None:
    token = STAMPER.stamp(ticket_number=7, kind=StampKind.AGENT_REPLY, hop=0, at=NOW)
    for address in ("closed@postbus.localhost", f"closed+{token}@postbus.localhost"):
        code, answer = await door.send(raw_mail(), address)
        assert (code, answer[:5]) == (550, b"5.2.1")
    assert door.count("closed", "refused") == 2


async def test_two_channels_hear_of_a_mail_to_both_each_with_its_own_recipients(
    door: Door,
) -> None:
    code, _ = await door.send(
        raw_mail(), "support@postbus.localhost", "sales@postbus.localhost",
        "support+x@postbus.localhost",
    )  # fmt: skip
    heard = {fact.channel: fact.route.envelope_to for fact in door.received()}
    assert code == 250
    assert heard == {
        "support": ("support@postbus.localhost", "support+x@postbus.localhost"),
        "sales": ("sales@postbus.localhost",),
    }
    assert len({fact.event_id for fact in door.facts.told}) == 2


async def test_more_recipients_than_the_limit_are_asked_to_come_later(door: Door) -> None:
    recipients = [f"support+{n}@postbus.localhost" for n in range(4)]
    code, answer = await door.send(raw_mail(), *recipients)
    assert (code, answer[:5]) == (452, b"4.5.3")


async def test_the_null_sender_is_taken(door: Door) -> None:
    code, _ = await door.send(raw_mail(), sender="")
    fact = door.received()[0]
    assert (code, fact.route.envelope_from) == (250, "")
    assert fact.signals.null_return_path


async def test_a_mail_announced_as_too_large_is_refused_at_once(door: Door) -> None:
    code, answer = await door.send(raw_mail(), options=(f"SIZE={MAX_BYTES + 1}",))
    assert (code, answer[:5]) == (552, b"5.3.4")


async def test_a_mail_that_turns_out_too_large_is_refused(door: Door) -> None:
    code, answer = await door.send(raw_mail(body="x" * 70 + "\n") + b"x" * 70 * 3000 + b"\r\n")
    assert (code, answer[:5]) == (552, b"5.3.4")
    assert door.facts.told == []


async def test_the_limit_is_announced(door: Door) -> None:
    def talk(smtp: smtplib.SMTP) -> dict[str, str]:
        smtp.ehlo("client.test")
        return smtp.esmtp_features

    features = await door.speak(talk)
    assert features["size"] == str(MAX_BYTES)
    assert "auth" not in features


async def test_a_mail_of_exactly_the_limit_is_taken_and_one_byte_more_is_not(door: Door) -> None:
    fits = raw_mail(body="")
    fits += b"x" * (MAX_BYTES - len(fits) - 2) + b"\r\n"
    assert (await door.send(fits))[0] == 250
    assert (await door.send(b"x" + fits))[0] == 552
    assert await door.blobs.get(door.received()[0].raw.sha256) == fits


async def test_only_crlf_dot_crlf_ends_a_mail(door: Door) -> None:
    """INVARIANT: a mail must not smuggle in another one behind a bare line feed."""
    smuggling = raw_mail(body=b"one").replace(b"one", b"one\n.\nMAIL FROM:<x@example.com>\r\n")
    code, _ = await door.send(smuggling)
    assert code == 250
    assert len(door.received()) == 1
    assert "MAIL FROM" in door.received()[0].full_text


async def test_commands_sent_along_with_the_end_of_a_mail_are_answered(door: Door) -> None:
    def talk(smtp: smtplib.SMTP) -> list[int]:
        smtp.ehlo("client.test")
        smtp.mail("anna@example.com")
        smtp.rcpt("support@postbus.localhost")
        smtp.putcmd("data")
        smtp.getreply()
        smtp.send(raw_mail() + b"\r\n.\r\nNOOP\r\nMAIL FROM:<b@example.com>\r\n")
        return [smtp.getreply()[0] for _ in range(3)]

    assert await door.speak(talk) == [250, 250, 250]


async def test_an_empty_mail_is_a_mail(door: Door) -> None:
    def talk(smtp: smtplib.SMTP) -> int:
        smtp.ehlo("client.test")
        smtp.mail("anna@example.com")
        smtp.rcpt("support@postbus.localhost")
        smtp.putcmd("data")
        smtp.getreply()
        smtp.send(b".\r\n")
        return smtp.getreply()[0]

    assert await door.speak(talk) == 250
    assert door.received()[0].raw.size_bytes == 0


async def test_a_client_that_hangs_up_within_a_mail_has_sent_none(door: Door) -> None:
    def talk(smtp: smtplib.SMTP) -> None:
        smtp.ehlo("client.test")
        smtp.mail("anna@example.com")
        smtp.rcpt("support@postbus.localhost")
        smtp.putcmd("data")
        smtp.getreply()
        smtp.send(raw_mail())

    await door.speak(talk)
    await asyncio.sleep(0.05)
    assert door.facts.told == []
    assert (await door.send(raw_mail()))[0] == 250


async def test_a_mail_that_trickles_in_is_put_together(door: Door) -> None:
    raw = raw_mail(body="one\n.two\nthree\n")

    def talk(smtp: smtplib.SMTP) -> int:
        smtp.ehlo("client.test")
        smtp.mail("anna@example.com")
        smtp.rcpt("support@postbus.localhost")
        smtp.putcmd("data")
        smtp.getreply()
        for byte in raw.replace(b"\r\n.", b"\r\n..") + b".\r\n":
            smtp.send(bytes([byte]))
        return smtp.getreply()[0]

    assert await door.speak(talk) == 250
    assert await door.blobs.get(door.received()[0].raw.sha256) == raw


@pytest.mark.parametrize("lines", [1, 3000])
async def test_lines_that_end_with_a_bare_line_feed_are_no_reason_to_refuse(
    door: Door, lines: int
) -> None:
    code, _ = await door.send(raw_mail(body="word\n" * lines).replace(b"\r\n", b"\n"))
    assert code == 250
    assert door.received()[0].subject == "Printer on fire"


async def test_a_line_of_a_hundred_kilobytes_is_no_reason_to_refuse_a_customer(door: Door) -> None:
    code, _ = await door.send(raw_mail(body="x" * 100_000))
    assert code == 250
    assert "x" * 1000 in door.received()[0].full_text


async def test_a_stream_that_does_not_acknowledge_means_451(door: Door) -> None:
    """INVARIANT: 250 is said only after the stream has the mail."""
    door.facts.deaf = True
    code, answer = await door.send(raw_mail())
    assert (code, answer[:5]) == (451, b"4.4.0")
    assert door.count("support", "deferred") == 1


async def test_a_mail_sent_again_after_451_is_told_once(door: Door) -> None:
    door.facts.deaf = True
    await door.send(raw_mail())
    door.facts.deaf = False
    code, _ = await door.send(raw_mail())
    assert code == 250
    assert len(door.facts.told) == 1


async def test_a_store_that_is_away_means_451(door: Door) -> None:
    door.blobs.away = True
    code, answer = await door.send(raw_mail())
    assert (code, answer[:5]) == (451, b"4.3.0")
    assert door.facts.told == []


async def test_before_the_configuration_is_read_nobody_is_turned_away(door: Door) -> None:
    door.configuration = None
    code, answer = await door.send(raw_mail())
    assert (code, answer[:5]) == (451, b"4.4.0")


async def test_a_mail_that_cannot_be_read_is_held_and_accepted(door: Door) -> None:
    def unforeseen(_: bytes) -> ParsedMail:
        raise RuntimeError("a case nobody thought of")

    door.read = unforeseen
    raw = raw_mail()
    code, _ = await door.send(raw)
    held = door.facts.told[0].data
    assert code == 250
    assert isinstance(held, MailHeld)
    assert (held.reason, held.detail) == ("not-readable", "RuntimeError")
    assert await door.blobs.get(held.raw.sha256) == raw
    assert door.count("support", "held") == 1


async def test_a_mail_that_cannot_even_be_held_means_451(door: Door) -> None:
    def unforeseen(_: bytes) -> ParsedMail:
        raise RuntimeError("a case nobody thought of")

    door.read = unforeseen
    door.facts.away = True
    code, _ = await door.send(raw_mail())
    assert code == 451


async def test_a_fault_of_ours_is_never_a_refusal(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: bytes) -> None:
        raise RuntimeError("bug")

    monkeypatch.setattr(door.blobs, "put", broken)
    code, answer = await door.send(raw_mail())
    assert (code, answer[:5]) == (451, b"4.3.0")


async def test_long_texts_travel_by_reference(door: Door) -> None:
    code, _ = await door.send(raw_mail(body="word " * 20_000))
    fact = door.received()[0]
    assert code == 250
    assert fact.content is not None
    assert (await door.blobs.get(fact.content.sha256)).count(b"word") == 40_000


async def test_a_client_may_speak_tls(door: Door) -> None:
    def talk(smtp: smtplib.SMTP) -> tuple[int, bytes]:
        smtp.ehlo("client.test")
        smtp._host = "localhost"  # type: ignore[attr-defined]
        smtp.starttls(context=ssl.create_default_context(cafile=str(CERTIFICATE)))
        smtp.ehlo("client.test")
        assert not smtp.has_extn("auth")
        smtp.mail("anna@example.com")
        smtp.rcpt("support@postbus.localhost")
        return smtp.data(raw_mail())

    code, _ = await door.speak(talk)
    assert code == 250
    assert len(door.received()) == 1


async def test_lmtp_answers_for_each_recipient(door: Door) -> None:
    """RFC 2033 §4.2: one answer a recipient, so that the sender knows who has the mail."""

    def talk(smtp: smtplib.SMTP) -> list[bytes]:
        smtp.ehlo("client.test")
        smtp.mail("anna@example.com")
        smtp.rcpt("support@postbus.localhost")
        smtp.rcpt("sales@postbus.localhost")
        smtp.putcmd("data")
        smtp.getreply()
        smtp.send(raw_mail() + b"\r\n.\r\n")
        return [smtp.getreply()[1], smtp.getreply()[1], smtp.noop()[1]]

    first, second, after = await door.speak(talk, lmtp=True)
    assert first == second
    assert first.startswith(b"2.0.0 ")
    assert after.startswith(b"2.0.0 OK")


async def test_many_clients_at_once_are_all_served(door: Door) -> None:
    mails = [raw_mail({"Message-ID": f"<{n}@example.com>"}) for n in range(30)]
    answers = await asyncio.gather(*(door.send(raw) for raw in mails))
    assert {code for code, _ in answers} == {250}
    assert len(door.received()) == 30


async def test_several_mails_in_one_session_do_not_mix_their_recipients(door: Door) -> None:
    def talk(smtp: smtplib.SMTP) -> None:
        smtp.sendmail("a@example.com", ["support@postbus.localhost"], raw_mail())
        smtp.mail("a@example.com")
        smtp.rcpt("support@postbus.localhost")
        smtp.rset()
        smtp.sendmail("a@example.com", ["sales@postbus.localhost"], raw_mail({"Subject": "two"}))

    await door.speak(talk)
    assert [fact.channel for fact in door.received()] == ["support", "sales"]


async def test_closing_waits_for_the_mail_under_way(door: Door) -> None:
    began, go_on = asyncio.Event(), asyncio.Event()
    put = door.blobs.put

    async def slow(data: bytes) -> Any:
        began.set()
        await go_on.wait()
        return await put(data)

    door.blobs.put = slow  # type: ignore[method-assign]
    sending = asyncio.create_task(door.send(raw_mail()))
    await began.wait()
    closing = asyncio.create_task(door.door.close(graceful_seconds=5))
    await asyncio.sleep(0.05)
    assert not closing.done()
    go_on.set()
    code, _ = await sending
    await closing
    assert code == 250
    assert len(door.facts.told) == 1
