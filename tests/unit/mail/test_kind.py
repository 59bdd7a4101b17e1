import pytest

from builders import multipart_mail, part, raw_mail
from postbus.contracts.mail import MailKind, OwnStamp
from postbus.mail.kind import classify
from postbus.mail.parse import parse

REPORT = part("message/delivery-status", "Reporting-MTA: dns; x\r\n\r\nAction: failed\r\n")
RETURNED = b"Content-Type: message/rfc822\r\n\r\n" + raw_mail()


def kind_of(raw: bytes, envelope_from: str | None = "anna@example.com") -> MailKind:
    return classify(parse(raw), envelope_from, None)[0]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("no", MailKind.HUMAN),
        ("No", MailKind.HUMAN),
        ("no; reason=x", MailKind.HUMAN),
        ("(people do this) no", MailKind.HUMAN),
        ("", MailKind.HUMAN),
        ("auto-replied", MailKind.AUTO_REPLY),
        ("AUTO-REPLIED; owner=x", MailKind.AUTO_REPLY),
        ("auto-generated", MailKind.AUTO_GENERATED),
        ("auto-notified; owner-email=x", MailKind.AUTO_GENERATED),
        ("something-new", MailKind.AUTO_GENERATED),
    ],
)
def test_auto_submitted_is_read_by_its_grammar(value: str, kind: MailKind) -> None:
    """RFC 3834 §5: the keyword before any parameter, whatever its case; `no` is a person."""
    assert kind_of(raw_mail({"Auto-Submitted": value})) is kind


@pytest.mark.parametrize("value", ["All", "OOF", "DR, AutoReply"])
def test_not_wanting_answers_does_not_make_a_robot(value: str) -> None:
    """INVARIANT: Exchange puts it on people's mail; without this their mails were robots'."""
    assert kind_of(raw_mail({"X-Auto-Response-Suppress": value})) is MailKind.HUMAN


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Autoreply": "yes"},
        {"X-Autorespond": "x"},
        {"X-Mail-Autoreply": "1"},
        {"Precedence": "Auto_Reply"},
    ],
)
def test_headers_of_older_responders_count(headers: dict[str, str]) -> None:
    assert kind_of(raw_mail(headers)) is MailKind.AUTO_REPLY
    assert kind_of(raw_mail({**headers, "Auto-Submitted": "no"})) is MailKind.HUMAN


@pytest.mark.parametrize(
    ("subject", "more", "kind"),
    [
        ("Automatic reply: Printer", {"X-Auto-Response-Suppress": "All"}, MailKind.AUTO_REPLY),
        ("Automatische Antwort: Drucker", {"In-Reply-To": "<a@x>"}, MailKind.AUTO_REPLY),
        ("Automatisch antwoord: printer", {"Return-Path": "<>"}, MailKind.AUTO_REPLY),
        ("Out of office", {}, MailKind.HUMAN),
        ("Re: Out of office", {"In-Reply-To": "<a@x>"}, MailKind.HUMAN),
        ("How do I set an automatic reply?", {"In-Reply-To": "<a@x>"}, MailKind.HUMAN),
    ],
)
def test_a_subject_alone_proves_nothing(subject: str, more: dict[str, str], kind: MailKind) -> None:
    assert kind_of(raw_mail({"Subject": subject, **more})) is kind


def test_a_delivery_report_is_a_bounce() -> None:
    raw = multipart_mail(
        "report", part("text/plain", "sorry"), REPORT, RETURNED, report_type="delivery-status"
    )
    assert kind_of(raw, "") is MailKind.BOUNCE
    assert parse(raw).signals.is_report


@pytest.mark.parametrize(
    "raw",
    [
        raw_mail({"X-Failed-Recipients": "b@example.com"}),
        raw_mail({"From": "MAILER-DAEMON@example.com", "Subject": "whatever"}),
        raw_mail({"From": "postmaster@example.com", "Subject": "Undeliverable: Printer"}),
        raw_mail({"From": "postmaster@example.com", "Return-Path": "<>"}),
        raw_mail({"From": "x@example.com", "Subject": "failure notice", "Return-Path": "<>"}),
        multipart_mail(
            "mixed", part("text/plain", "no"), RETURNED, headers={"Subject": "Mail delivery failed"}
        ),
    ],
)
def test_bounces_without_a_report_are_bounces_too(raw: bytes) -> None:
    assert kind_of(raw, None) is MailKind.BOUNCE


@pytest.mark.parametrize(
    "raw",
    [
        raw_mail({"From": "postmaster@example.com", "Subject": "New printer"}),
        raw_mail({"Return-Path": "<>"}),
        raw_mail({"Subject": "Undeliverable: what does it mean?"}),
        multipart_mail(
            "mixed",
            part("text/plain", "?"),
            RETURNED,
            headers={"Subject": "Fwd: Mail delivery failed"},
        ),
    ],
)
def test_people_who_look_a_little_like_a_mail_system_are_no_bounce(raw: bytes) -> None:
    assert kind_of(raw, None) is not MailKind.BOUNCE


def test_reports_about_abuse_and_reading_are_told_apart() -> None:
    abuse = multipart_mail(
        "report", part("message/feedback-report", "x: y\r\n"), report_type="feedback-report"
    )
    read = multipart_mail(
        "report", part("message/disposition-notification", "x: y\r\n"),
        report_type="disposition-notification",
    )  # fmt: skip
    assert kind_of(abuse) is MailKind.FEEDBACK_REPORT
    assert kind_of(read) is MailKind.AUTO_REPLY


@pytest.mark.parametrize(
    "headers",
    [
        {"List-Id": "<l.x>"},
        {"List-Unsubscribe": "<https://x>"},
        {"List-Id": "<l.x>", "Precedence": "bulk"},
        {"Precedence": "bulk", "In-Reply-To": "<a@x>"},
        {"Precedence": "list", "References": "<a@x>"},
    ],
)
def test_mail_of_lists_is_list_mail(headers: dict[str, str]) -> None:
    assert kind_of(raw_mail(headers)) is MailKind.LIST


@pytest.mark.parametrize("value", ["bulk", "List", "junk"])
def test_a_precedence_without_a_list_is_generated_mail(value: str) -> None:
    """Old programs that write by themselves say so; one that answers may carry a person's words."""
    assert kind_of(raw_mail({"Precedence": value})) is MailKind.AUTO_GENERATED


@pytest.mark.parametrize("value", ["first-class", "normal", "special-delivery", "urgent"])
def test_other_precedences_are_of_people(value: str) -> None:
    assert kind_of(raw_mail({"Precedence": value})) is MailKind.HUMAN


ABSENCES = (
    "Automatic reply: Printer", "Out of Office: x", "Auto: x", "Automatisch antwoord: x",
    "Afwezig: x", "Automatische Antwort: x", "Abwesenheitsnotiz", "Réponse automatique : x",
    "Respuesta automática: x", "Risposta automatica: x", "Resposta automática: x",
    "Automatiskt svar: x", "Autosvar: x", "Automatisk svar: x", "Automaattinen vastaus: x",
    "Odpowiedź automatyczna: x", "Automatická odpověď: x", "Otomatik yanıt: x", "自動応答: x",
    "自动回复: x", "Automatikus válasz: x", "Автоматический ответ: x",
)  # fmt: skip


@pytest.mark.parametrize("subject", ABSENCES)
def test_subjects_of_absence_notes_support_and_never_decide(subject: str) -> None:
    """INVARIANT: a customer may write about an automatic reply, in any language."""
    assert kind_of(raw_mail({"Subject": subject})) is MailKind.HUMAN
    assert kind_of(raw_mail({"Subject": subject, "Return-Path": "<>"}), None) is (
        MailKind.AUTO_REPLY
    )


FAILURES = (
    "Undeliverable: Printer", "Returned mail: see transcript", "Onbestelbaar: Printer",
    "Unzustellbar: Printer", "Non remis : Printer", "No se pudo entregar: x",
    "Mancata consegna: x", "Não entregue: x", "Nie można dostarczyć: x", "Kunde inte levereras: x",
    "Kunne ikke leveres: x", "Toimitus epäonnistui: x", "Nedoručitelná zpráva: x",
    "Teslim edilemedi: x", "配信できません: x", "无法投递: x", "Недоставленное: x",
)  # fmt: skip


@pytest.mark.parametrize("subject", FAILURES)
def test_subjects_of_bounces_support_and_never_decide(subject: str) -> None:
    """INVARIANT: a customer may ask about a bounce, in any language."""
    assert kind_of(raw_mail({"Subject": subject})) is MailKind.HUMAN
    from_system = {"Subject": subject, "From": "postmaster@example.com"}
    assert kind_of(raw_mail(from_system)) is MailKind.BOUNCE


def test_a_sender_that_reads_nothing_and_wants_nothing_is_a_machine() -> None:
    wanted = {"From": "no-reply@example.com", "X-Auto-Response-Suppress": "All"}
    assert kind_of(raw_mail(wanted)) is MailKind.MACHINE
    assert kind_of(raw_mail({**wanted, "Reply-To": "anna@example.com"})) is MailKind.HUMAN


@pytest.mark.parametrize(
    ("found_in", "kind"),
    [
        ("header", MailKind.OWN),
        ("recipient", MailKind.HUMAN),
        ("references", MailKind.HUMAN),
        ("body", MailKind.HUMAN),
    ],
)
def test_mail_is_our_own_only_where_nobody_else_puts_the_stamp(
    found_in: str, kind: MailKind
) -> None:
    """INVARIANT: a customer's answer carries our stamp back, and must never count as our own."""
    stamp = OwnStamp(ticket_number=7, kind="receipt", hop=0, found_in=found_in)
    assert classify(parse(raw_mail()), None, stamp)[0] is kind


def test_a_verdict_says_why() -> None:
    raw = raw_mail({"Auto-Submitted": "auto-replied"})
    assert classify(parse(raw), None, None) == (
        MailKind.AUTO_REPLY,
        ("auto-submitted:auto-replied",),
    )
