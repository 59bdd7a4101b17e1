"""Who wrote a mail, behind groups, lists, web forms and colleagues; and for whom it was."""

import pytest

from builders import raw_mail
from postbus.contracts.mail import Address, Confidence
from postbus.mail.forwarded import read_forwarded, says_forwarded
from postbus.mail.parse import parse
from postbus.mail.rewritten import before_rewriting
from postbus.mail.writer import Writer, meant_for, writer_of

OWN = frozenset(("support@abc.com", "it@abc.com", "support@postbus.localhost"))
OURS = "support@abc.com"
COLLEAGUE = "Ben <ben@abc.com>"


def writer(headers: dict[str, str | None], text: str = "Hello", ours: str = OURS) -> Writer:
    return writer_of(parse(raw_mail(headers, text)), OWN, ours)


@pytest.mark.parametrize(
    ("headers", "address", "evidence"),
    [
        ({}, "anna@example.com", ()),
        ({"Reply-To": "other@example.com"}, "anna@example.com", ()),
        ({"Resent-From": "ben@abc.com"}, "anna@example.com", ()),
        (
            {"From": "support@abc.com", "Reply-To": "a@example.com"},
            "a@example.com", ("reply-to-behind-our-address",),
        ),
        (
            {"From": "'Anna' via Support <Support@ABC.com>", "X-Original-From": "g@example.com"},
            "g@example.com", ("x-original-from",),
        ),
        (
            {"From": "'Anna' via T <team@lists.example>", "X-Original-Sender": "g@example.com"},
            "g@example.com", ("x-original-sender",),
        ),
        (
            {
                "From": "Anna via Team <team@lists.example>", "Reply-To": "anna@example.org",
                "List-Post": "<mailto:team@lists.example>",
            },
            "anna@example.org", ("reply-to-behind-list",),
        ),
        (
            {
                "From": "Anna via Team <team@lists.example>",
                "Reply-To": "team@lists.example, Anna <anna@example.org>",
                "List-Id": "Team <team.lists.example>",
            },
            "anna@example.org", ("reply-to-behind-list",),
        ),
        (
            {"From": "a@example.com", "Reply-To": "team@lists.example", "List-Id": "<x.y>"},
            "a@example.com", (),
        ),
        ({"From": "support@abc.com", "Reply-To": "it@abc.com"}, "support@abc.com", ()),
        (
            {"From": "", "Reply-To": "a@example.com"},
            "a@example.com", ("reply-to-behind-our-address",),
        ),
    ],
)  # fmt: skip
def test_the_writer_is_found_behind_what_passed_the_mail_on(
    headers: dict[str, str | None], address: str, evidence: tuple[str, ...]
) -> None:
    found = writer(headers)
    assert (found.address.address, found.evidence) == (address, evidence)


@pytest.mark.parametrize(
    ("rewritten", "before"),
    [
        ("SRS0=HHh=TT=example.com=anna@forwarder.example", "anna@example.com"),
        ("srs0+abcd=7x=example.com=anna+tag@forwarder.example", "anna+tag@example.com"),
        (
            "SRS1=zzz=first.example==HHh=TT=example.com=anna@second.example",
            "anna@example.com",
        ),
        ("prvs=1234abcdef=anna@example.com", "anna@example.com"),
        ("btv1==0123456789==anna@example.com", "btv1==0123456789==anna@example.com"),
        ("anna@example.com", "anna@example.com"),
        ("srs0=odd@example.com", "srs0=odd@example.com"),
        ("", ""),
    ],
)
def test_an_address_is_as_it_was_before_it_was_rewritten(rewritten: str, before: str) -> None:
    assert before_rewriting(rewritten) == before


def test_a_from_that_a_forwarder_wrapped_is_unwrapped() -> None:
    found = writer({"From": "Anna <SRS0=HHh=TT=example.com=anna@forwarder.example>"})
    assert (found.address.address, found.evidence) == ("anna@example.com", ("srs",))


def test_who_names_nobody_is_who_handed_the_mail_over() -> None:
    mail = parse(raw_mail({"From": None}))
    found = writer_of(mail, OWN, OURS, envelope_from="prvs=12ab=anna@example.com")
    assert (found.address.address, found.evidence) == ("anna@example.com", ("envelope-sender",))
    assert found.confidence is Confidence.LIKELY
    assert writer_of(mail, OWN, OURS, envelope_from="").address.address == ""


FORWARDS = {
    "gmail": (
        "Can you look?\n\n---------- Forwarded message ---------\nFrom: Carla Jansen "
        "<carla@example.net>\nDate: Mon, Mar 2, 2026 at 9:00 AM\nSubject: Printer\nTo: "
        "<ben@abc.com>\n\n\nIt burns."
    ),
    "apple": (
        "Begin forwarded message:\n\n> From: Carla Jansen <carla@example.net>\n> Subject: Printer\n"
        "> Date: 2 March 2026 at 09:00:00 CET\n> To: ben@abc.com\n>\n> It burns."
    ),
    "outlook": (
        "FYI\n\n________________________________\nFrom: Carla Jansen <carla@example.net>\n"
        "Sent: Monday, March 2, 2026 9:00 AM\nTo: Ben <ben@abc.com>\nSubject: Printer\n\nIt burns."
    ),
    "outlook-dutch": (
        "Van: Carla Jansen [mailto:carla@example.net]\nVerzonden: maandag 2 maart 2026 9:00\n"
        "Aan: Ben\nOnderwerp: Printer\n\nHij brandt."
    ),
    "german": (
        "-------- Weitergeleitete Nachricht --------\nBetreff: Printer\nDatum: Mon, 2 Mar 2026\n"
        "Von: Carla Jansen <carla@example.net>\nAn: ben@abc.com\n\nEr brennt."
    ),
    "french": (
        "---------- Message transféré ---------\nDe : Carla Jansen <carla@example.net>\n"
        "Date : lun. 2 mars 2026\nObjet : Printer\nÀ : Ben\n\nIl brûle."
    ),
    "japanese": (
        "差出人: Carla Jansen <carla@example.net>\n日時: 2026年3月2日\n件名: Printer\n\n火事"
    ),
    "chinese": "发件人：Carla Jansen <carla@example.net>\n主题：Printer\n\n着火了",
    "polish": (
        "Od: Carla Jansen <carla@example.net>\nWysłano: poniedziałek, 2 marca 2026\nDo: Ben\n"
        "Temat: Printer\n\nPali się."
    ),
    "bold": "*From:* Carla Jansen <carla@example.net>\n*Sent:* Monday\n*Subject:* Printer\n\nFire",
    "cut-over-lines": (
        "From: Carla Jansen\n<carla@example.net>\nDate: Monday\nSubject: Printer\n\nFire"
    ),
}


@pytest.mark.parametrize("program", FORWARDS)
@pytest.mark.parametrize("prefix", ["Fwd: ", "TR: ", "WG: ", "Doorst: ", "Re: FW: "])
def test_behind_a_colleagues_forward_stands_the_customer(program: str, prefix: str) -> None:
    found = writer({"From": COLLEAGUE, "Subject": f"{prefix}Printer"}, FORWARDS[program])
    assert found.address == Address(name="Carla Jansen", address="carla@example.net")
    assert found.confidence is Confidence.CERTAIN
    assert found.evidence[0] == "forwarded-by-colleague"
    assert found.forwarded is not None
    assert (found.forwarded.subject, found.forwarded.by.address) == ("Printer", "ben@abc.com")


def test_a_customer_who_forwards_stays_the_customer_and_the_author_is_shown() -> None:
    found = writer({"Subject": "Fwd: Printer"}, FORWARDS["gmail"])
    assert found.address.address == "anna@example.com"
    assert found.forwarded is not None
    assert found.forwarded.author.address == "carla@example.net"


def test_sharing_a_public_providers_domain_makes_nobody_a_colleague() -> None:
    headers: dict[str, str | None] = {"From": "ben@gmail.com", "Subject": "Fwd: Printer"}
    assert writer(headers, FORWARDS["gmail"], "shop@gmail.com").address.address == "ben@gmail.com"


def test_our_own_mail_that_a_colleague_forwards_makes_us_no_customer() -> None:
    text = FORWARDS["gmail"].replace("carla@example.net", "Support@abc.com")
    assert writer({"From": COLLEAGUE, "Subject": "Fwd: x"}, text).address.address == "ben@abc.com"


def test_an_answer_with_the_header_of_the_answered_mail_is_no_forward() -> None:
    headers: dict[str, str | None] = {"From": COLLEAGUE, "Subject": "RE: Printer"}
    headers["In-Reply-To"] = "<1@example.net>"
    assert read_forwarded(parse(raw_mail(headers, FORWARDS["outlook"]))) is None


def test_a_header_without_any_other_sign_is_a_likely_forward() -> None:
    found = writer({"From": COLLEAGUE, "Subject": "Printer"}, FORWARDS["outlook"])
    assert found.confidence is Confidence.LIKELY
    assert found.address.address == "carla@example.net"


def test_a_forward_whose_author_has_no_address_changes_nothing() -> None:
    text = FORWARDS["gmail"].replace(" <carla@example.net>", "")
    assert writer({"From": COLLEAGUE, "Subject": "Fwd: x"}, text).address.address == "ben@abc.com"


@pytest.mark.parametrize(
    "text",
    [
        "From: my point of view\nthis is bad",
        "To: do\nFrom: here on",
        "Date: tomorrow\nSubject: lunch\n\nComing?",
        "A: yes\nB: no",
    ],
)
def test_words_that_look_like_fields_are_no_forward(text: str) -> None:
    assert read_forwarded(parse(raw_mail({"From": COLLEAGUE, "Subject": "Fwd: x"}, text))) is None


def attached(subject: str, cover: str = "see attached") -> bytes:
    return (
        f"From: {COLLEAGUE}\r\nSubject: {subject}\r\nContent-Type: multipart/mixed; boundary=b\r\n"
        f"\r\n--b\r\n\r\n{cover}\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
        "From: =?utf-8?q?Ren=C3=A9?= <rene@example.net>\r\nSubject: Printer\r\n\r\n"
        "It burns.\r\n--b--\r\n"
    ).encode()


def test_the_author_of_an_attached_mail_is_found() -> None:
    found = writer_of(parse(attached("FW: Printer")), OWN, OURS)
    assert found.address == Address(name="René", address="rene@example.net")
    assert found.confidence is Confidence.CERTAIN


def test_a_mail_attached_to_long_words_of_ones_own_is_evidence_and_no_forward() -> None:
    assert writer_of(parse(attached("Look", "word " * 600)), OWN, OURS).evidence == ()


@pytest.mark.parametrize(
    "subject", ["Fwd: x", "FW: x", "TR : x", "Re: WG: x", "Doorst: x", "转发：x"]
)
def test_a_subject_says_forwarded_in_many_languages(subject: str) -> None:
    assert says_forwarded(subject)


@pytest.mark.parametrize("subject", ["Re: x", "Forward thinking: x", "I think: yes", ""])
def test_other_subjects_do_not(subject: str) -> None:
    assert not says_forwarded(subject)


@pytest.mark.parametrize(
    ("headers", "envelope", "meant"),
    [
        ({"To": "support@abc.com"}, ("x@y.z",), "support@abc.com"),
        ({"To": "a@b.c, IT@ABC.com"}, (), "it@abc.com"),
        ({"To": "a@b.c", "Cc": "it@abc.com"}, (), "it@abc.com"),
        ({"To": "support@abc.com", "Delivered-To": "it@abc.com"}, (), "it@abc.com"),
        ({"To": "a@b.c", "X-Original-To": "support+tag@abc.com"}, (), "support+tag@abc.com"),
        ({"To": "a@b.c"}, ("support@postbus.localhost",), "support@postbus.localhost"),
        ({"To": "a@b.c"}, ("d@e.f",), None),
    ],
)
def test_the_address_of_ours_that_was_meant(
    headers: dict[str, str | None], envelope: tuple[str, ...], meant: str | None
) -> None:
    assert meant_for(parse(raw_mail(headers)), envelope, OWN) == meant
