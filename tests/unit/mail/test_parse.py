from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import multipart, multipart_mail, part, raw_mail
from postbus.contracts.mail import Address
from postbus.mail.parse import parse
from postbus.mail.structure import MAX_DEPTH, MAX_PARTS

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def test_a_plain_mail_is_read_whole() -> None:
    mail = parse(
        raw_mail(
            {
                "Cc": '"Smit, B." <b.smit@example.org>, c@example.org',
                "Reply-To": "Anna <anna+reply@example.com>",
                "In-Reply-To": "<zero@example.com>",
                "References": "<a@example.com> <zero@example.com>",
            },
            "Help.\n\nAnna\n",
        )
    )
    assert mail.message_id == "first@example.com"
    assert mail.in_reply_to == ("zero@example.com",)
    assert mail.references == ("a@example.com", "zero@example.com")
    assert mail.date == datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
    assert mail.from_ == Address(name="Anna Jansen", address="anna@example.com")
    assert mail.to == (Address(address="support@postbus.localhost"),)
    assert mail.cc == (
        Address(name="Smit, B.", address="b.smit@example.org"),
        Address(address="c@example.org"),
    )
    assert mail.reply_to[0].address == "anna+reply@example.com"
    assert mail.subject == "Printer on fire"
    assert mail.full_text == mail.text == "Help.\n\nAnna"
    assert mail.html is None
    assert mail.attachments == ()
    assert mail.problems == ()


@given(st.binary(max_size=400))
def test_any_bytes_are_read_without_an_exception(raw: bytes) -> None:
    parse(raw).full_text.encode()


@given(st.lists(st.sampled_from([
    b"From: ", b"To: ", b"Subject: ", b"Content-Type: ", b"multipart/mixed; boundary=", b"x",
    b"--x", b"\r\n", b"\n\n", b"\r", b"=?utf-8?q?", b"?=", b"=?x?b?", b"\xff\xfe", b"<", b">", b"(",
    b'"', b"@", b",", b";", b"text/html; charset=", b"utf-7", b"message/rfc822", b"base64",
    b"\x00",
    b"Content-Transfer-Encoding: ", b"Content-Disposition: attachment; filename*0*=", b"'", b"%ff",
    b"Date: ", b"Message-ID: ", b"<b>", b"<blockquote>", b"On x wrote:", b"\x1b$B", b"+AAA",
]), max_size=40))  # fmt: skip
def test_any_mixture_of_the_pieces_of_mails_is_read(pieces: list[bytes]) -> None:
    mail = parse(b"".join(pieces))
    "".join((mail.subject, mail.text, mail.full_text, mail.html or "", mail.from_.name)).encode()
    assert not [problem for problem in mail.problems if "unreadable:" in problem]


def test_nothing_at_all_is_a_mail_with_problems() -> None:
    mail = parse(b"")
    assert mail.from_.address == ""
    assert mail.problems == ("no-from",)


@pytest.mark.parametrize(
    ("subject", "readable"),
    [
        ("=?utf-8?Q?Fr=C3=BChst=C3=BCck?=", "Frühstück"),
        ("=?ISO-8859-1?Q?caf=E9?= =?ISO-8859-1?Q?_noir?=", "café noir"),
        ("=?utf-8?B?w6k=?= and =?utf-8?B?w6k=?=", "é and é"),
        ("=?utf-8?B?4oI=?= =?utf-8?B?rA==?=", "€"),
        ("=?utf-8?B?4oI=?= =?utf-8?Q?=AC?=", "€"),
        ("=?utf-8?B?w6k?=", "é"),
        ("=?utf-8*nl?Q?hoi?=", "hoi"),
        ("=?iso-2022-jp?B?GyRCLSEbKEI=?=", "①"),
        ("=?gb2312?B?1tDOxA==?=", "中文"),
        ("=?x-unheard-of?Q?abc?=", "abc"),
        ("a =?utf-8?Q?not finished", "a =?utf-8?Q?not finished"),
        ("folded\r\n  twice\r\n\there", "folded twice here"),
        ("What?= is =?this", "What?= is =?this"),
    ],
)
def test_a_subject_is_read_as_people_see_it(subject: str, readable: str) -> None:
    assert parse(raw_mail({"Subject": subject})).subject == readable


@pytest.mark.parametrize(
    ("raw", "charset", "readable"),
    [
        ("Grüße".encode(), "us-ascii", "Grüße"),
        ("Grüße".encode("latin-1"), "iso-8859-1", "Grüße"),
        ("Привет, принтер".encode("koi8-r"), "koi8-r", "Привет, принтер"),
        ("Grüße".encode(), "koi8-r", "Grüße"),
    ],
)
def test_raw_eight_bit_subjects_survive(raw: bytes, charset: str, readable: str) -> None:
    mail = parse(
        raw_mail(
            {"Subject": None, "Content-Type": f"text/plain; charset={charset}"},
            more=[b"Subject: " + raw],
        )
    )
    assert mail.subject == readable


@pytest.mark.parametrize(
    ("text", "charset"),
    [
        ("Grüße aus Köln", "utf-8"),
        ("Grüße aus Köln", "iso-8859-15"),
        ("naïve “quotes” €", "windows-1252"),
        ("Zażółć gęślą jaźń", "iso-8859-2"),
        ("Привет", "koi8-r"),
        ("Привет", "windows-1251"),
        ("Καλημέρα", "iso-8859-7"),
        ("שלום", "windows-1255"),
        ("مرحبا", "windows-1256"),
        ("Merhaba dünya ığüş", "iso-8859-9"),
        ("สวัสดี", "tis-620"),
        ("Xin chào", "windows-1258"),
        ("中文邮件", "gb18030"),
        ("中文郵件", "big5"),
        ("日本語のメール", "iso-2022-jp"),
        ("日本語のメール", "shift_jis"),
        ("日本語のメール", "euc-jp"),
        ("한국어 메일", "euc-kr"),
        ("Hellas €", "utf-16"),
        ("Bäume", "utf-7"),
    ],
)
def test_twenty_charsets_are_read(text: str, charset: str) -> None:
    mail = parse(
        raw_mail({"Content-Type": f"text/plain; charset={charset}"}, b"").rstrip()
        + b"\r\n\r\n"
        + text.encode(charset)
    )
    assert mail.full_text == text


def test_utf_8_with_another_label_is_read_as_utf_8_and_noted() -> None:
    mail = parse(raw_mail({"Content-Type": "text/plain; charset=iso-8859-1"}, "Grüße aus Köln"))
    assert mail.full_text == "Grüße aus Köln"
    assert "charset-untrue" in mail.problems


def test_an_unknown_charset_is_guessed_and_noted() -> None:
    russian = "Здравствуйте, у меня не работает принтер, помогите пожалуйста. " * 5
    mail = parse(
        raw_mail({"Content-Type": "text/plain; charset=x-ours"}, russian.encode("windows-1251"))
    )
    assert mail.full_text.startswith("Здравствуйте, у меня")
    assert "charset-unknown" in mail.problems


def test_every_byte_that_fits_no_charset_is_still_shown() -> None:
    body = b"price \xa4 \x81 end"
    mail = parse(raw_mail({"Content-Type": "text/plain; charset=us-ascii"}, body))
    assert mail.full_text.startswith("price")
    assert mail.full_text.endswith("end")


def test_quoted_printable_and_base64_are_taken_off() -> None:
    quoted = raw_mail({"Content-Transfer-Encoding": "Quoted-Printable"}, "a=3Db =\nc")
    based = raw_mail({"Content-Transfer-Encoding": '"base64"'}, "YT1i\nIGM")
    assert parse(quoted).full_text == parse(based).full_text == "a=b c"


def test_the_footer_of_a_list_does_not_spoil_base64() -> None:
    body = "SGVsbG8=\n\n______\nA list, since 1996\n"
    assert parse(raw_mail({"Content-Transfer-Encoding": "base64"}, body)).full_text == "Hello"


def test_flowed_text_is_joined() -> None:
    mail = parse(
        raw_mail(
            {"Content-Type": "text/plain; format=flowed"},
            "one \ntwo\n> a \n> b\n-- \nAnna\n",
        )
    )
    assert mail.full_text == "one two\n> a b\n-- \nAnna"


def test_of_alternatives_both_are_kept_and_the_text_is_the_plain_one() -> None:
    mail = parse(
        multipart_mail("alternative", part("text/plain", "plain"), part("text/html", "<p>html</p>"))
    )
    assert (mail.full_text, mail.html) == ("plain", "<p>html</p>")


def test_html_without_plain_text_is_read_as_text() -> None:
    html = (
        "<style>p{}</style><p>Hello <b>you</b></p><ul><li>one</li><li>two</li></ul>"
        "a<br>b<blockquote>quoted</blockquote><a href='https://example.com/x'>here</a>"
    )
    text = parse(raw_mail({"Content-Type": "text/html"}, html)).full_text
    assert text == ("Hello you\n\n- one\n- two\n\na\nb\n> quoted\n\nhere <https://example.com/x>")


def test_an_empty_plain_alternative_gives_way_to_html() -> None:
    mail = parse(
        multipart_mail("alternative", part("text/plain", " \r\n"), part("text/html", "<p>x</p>"))
    )
    assert mail.full_text == "x"


def test_text_around_a_picture_stays_in_order() -> None:
    mail = parse(
        multipart_mail(
            "mixed",
            part("text/plain", "before"),
            part("image/png", PNG, Content_Disposition="inline; filename=a.png"),
            part("text/plain", "after"),
        )
    )
    assert mail.full_text == "before\n\nafter"
    assert [(a.name, a.inline, a.data) for a in mail.attachments] == [("a.png", True, PNG)]


def test_a_picture_in_the_html_keeps_its_content_id() -> None:
    related = multipart(
        "related",
        part("text/html", '<p>see <img src="cid:logo@x"></p>'),
        part("image/png", PNG, Content_ID="<logo@x>"),
        boundary="rel",
    )
    mail = parse(multipart_mail("alternative", part("text/plain", "see"), related))
    assert mail.html == '<p>see <img src="cid:logo@x"></p>'
    picture = mail.attachments[0]
    assert (picture.content_id, picture.inline, picture.content_type) == (
        "logo@x", True, "image/png",
    )  # fmt: skip
    assert picture.name == "attachment-1.png"


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("attachment; filename=plain.pdf", "plain.pdf"),
        ('attachment; filename="two words; and more.pdf"', "two words; and more.pdf"),
        ("attachment; filename*=utf-8''%e2%82%ac%20rates.pdf", "€ rates.pdf"),
        (
            "attachment; filename*0*=utf-8''%e2%82%ac; filename*1=-long; filename*2=.pdf",
            "€-long.pdf",
        ),
        ('attachment; filename="=?utf-8?B?4oKsLnBkZg==?="', "€.pdf"),
        ("attachment; filename=\"fallback.pdf\"; filename*=utf-8''%c3%a9.pdf", "é.pdf"),
        ('attachment; filename="C:\\\\temp\\\\x.pdf"', "x.pdf"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="gnp.\u202eexe"', "gnp.exe"),
        ('attachment; filename="Grüße.pdf"', "Grüße.pdf"),
        ("attachment", "attachment-1.pdf"),
    ],
)
def test_names_of_files_are_read_in_every_spelling(disposition: str, name: str) -> None:
    mail = parse(
        multipart_mail(
            "mixed",
            part("text/plain", "see"),
            part("application/pdf", b"%PDF", Content_Disposition=disposition),
        )
    )
    assert [(a.name, a.data) for a in mail.attachments] == [(name, b"%PDF")]


def test_an_attached_mail_is_one_file_and_its_words_are_not_ours() -> None:
    inner = multipart_mail("mixed", part("text/plain", "inner words"), boundary="inner")
    mail = parse(
        multipart_mail(
            "mixed",
            part("text/plain", "outer"),
            b"Content-Type: message/rfc822\r\n\r\n" + inner,
        )
    )
    assert mail.full_text == "outer"
    assert [(a.name, a.content_type) for a in mail.attachments] == [
        ("message-1.eml", "message/rfc822")
    ]
    assert parse(mail.attachments[0].data).full_text == "inner words"


def test_an_attached_mail_with_a_broken_header_keeps_its_words() -> None:
    inner = b"Subject: a\r\n\xff vendor=x\r\n  y\r\nX: \xff\nz:\r\n\r\nwords"
    broken = b"Content-Type: message/rfc822\r\n\r\n" + inner
    mail = parse(multipart_mail("mixed", part("text/plain", "outer"), broken))
    assert mail.full_text == "outer"
    assert b"words" in mail.attachments[0].data


@pytest.mark.parametrize("charset", ["a\0b", "*=utf-8''x%00", '"', "undefined", "idna", "rot13"])
def test_a_charset_that_is_none_costs_nothing(charset: str) -> None:
    mail = parse(raw_mail({"Content-Type": f"text/plain; charset={charset}"}, "é"))
    assert mail.full_text == "é"
    assert not [problem for problem in mail.problems if "unreadable:" in problem]


def test_a_calendar_invitation_is_a_file() -> None:
    mail = parse(
        multipart_mail(
            "alternative",
            part("text/plain", "meet"),
            part("text/calendar; method=REQUEST", "BEGIN:VCALENDAR"),
        )
    )
    assert mail.full_text == "meet"
    assert mail.attachments[0].name == "attachment-1.ics"


def test_a_multipart_whose_boundary_never_comes_is_read_as_text() -> None:
    mail = parse(raw_mail({"Content-Type": 'multipart/mixed; boundary="gone"'}, "words"))
    assert mail.full_text == "words"
    assert "multipart-without-parts" in mail.problems


def test_parts_in_parts_have_a_limit_and_the_words_stay() -> None:
    nested = part("text/plain", "deep words")
    for level in range(MAX_DEPTH * 3):
        nested = multipart("mixed", nested, boundary=f"b{level}")
    mail = parse(multipart_mail("mixed", nested))
    assert "too-deeply-nested" in mail.problems
    assert "deep words" in mail.full_text
    assert mail.subject == "Printer on fire"


def test_nesting_below_the_limit_is_read() -> None:
    nested = part("text/plain", "deep words")
    for level in range(MAX_DEPTH - 3):
        nested = multipart("mixed", nested, boundary=f"b{level}x")
    mail = parse(multipart_mail("mixed", nested))
    assert (mail.full_text, mail.problems) == ("deep words", ())


def test_parts_have_a_limit_and_the_mail_is_read_all_the_same() -> None:
    mail = parse(multipart_mail("mixed", *[part("text/plain", "x")] * (MAX_PARTS + 5)))
    assert "too-many-parts" in mail.problems
    assert mail.from_.address == "anna@example.com"


@pytest.mark.parametrize(
    "html",
    ["<div>" * 50_000 + "x", "<b><a href='x'>" * 20_000 + "x", "<blockquote>x" * 20_000],
    ids=["div", "links", "quotes"],
)
@pytest.mark.timeout(5)
def test_html_that_is_absurdly_deep_is_shown_as_text(html: str) -> None:
    mail = parse(raw_mail({"Content-Type": "text/html"}, html))
    assert "x" in mail.full_text
    assert mail.html is None
    assert "html-too-large" in mail.problems


@pytest.mark.parametrize(
    ("value", "address", "name"),
    [
        ("anna@example.com", "anna@example.com", ""),
        ("<anna@example.com>", "anna@example.com", ""),
        ("Anna <anna@example.com>", "anna@example.com", "Anna"),
        ('"Jansen, Anna" <anna@example.com>', "anna@example.com", "Jansen, Anna"),
        ("=?utf-8?Q?Jansen,_Anna?= <anna@example.com>", "anna@example.com", "Jansen, Anna"),
        ("=?utf-8?Q?Jansen, Anna?= <anna@example.com>", "anna@example.com", "Jansen, Anna"),
        ("anna@example.com (Anna Jansen)", "anna@example.com", "Anna Jansen"),
        ("anna@example.com <anna@example.com>", "anna@example.com", "anna@example.com"),
        ("'Anna' <anna@example.com>", "anna@example.com", "Anna"),
        ('"Anna \\"A\\" J" <anna@example.com>', "anna@example.com", 'Anna "A" J'),
        ("Anna <@relay.example,@b:anna@example.com>", "anna@example.com", "Anna"),
        ('Anna "unclosed <anna@example.com>', "anna@example.com", "Anna unclosed"),
        ("Anna <anna @ example.com>", "anna@example.com", "Anna"),
        ("Anna anna@example.com", "anna@example.com", "Anna"),
        ("пример <почта@пример.испытание>", "почта@пример.испытание", "пример"),
        ("Anna", "", ""),
        ("", "", ""),
    ],
)
def test_a_sender_is_read_in_every_spelling(value: str, address: str, name: str) -> None:
    sender = parse(raw_mail({"From": value})).from_
    assert (sender.address, sender.name) == (address, name)


def test_groups_of_recipients_are_opened() -> None:
    to = "Team: a@example.com, B <b@example.com>;, c@example.com"
    mail = parse(raw_mail({"To": to}))
    assert [a.address for a in mail.to] == ["a@example.com", "b@example.com", "c@example.com"]


def test_a_mail_without_from_is_by_its_sender() -> None:
    mail = parse(raw_mail({"From": None, "Sender": "Boss <boss@example.com>"}))
    assert mail.from_.address == "boss@example.com"
    assert "no-from" in mail.problems


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Mon, 2 Mar 2026 09:30:00 +0100 (CET)", datetime(2026, 3, 2, 8, 30, tzinfo=UTC)),
        ("2 Mar 26 08:30 GMT", datetime(2026, 3, 2, 8, 30, tzinfo=UTC)),
        ("Mon, 02 Mar 2026 08:30:00", datetime(2026, 3, 2, 8, 30, tzinfo=UTC)),
        ("yesterday", None),
        ("Mon, 32 Mar 2026 08:30:00 +0000", None),
        ("Fri, 31 Dec 9999 23:59:59 -1200", None),
    ],
)
def test_a_date_is_read_or_left_out(value: str, expected: datetime | None) -> None:
    mail = parse(raw_mail({"Date": value}))
    assert mail.date == expected
    assert ("date-unreadable" in mail.problems) is (expected is None)


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("<a@x> <b@x>", ("a@x", "b@x")),
        ("<a@x><b@x>,<a@x>", ("a@x", "b@x")),
        ("<a@\r\n x>", ("a@x",)),
        ("a@x b@x", ("a@x", "b@x")),
        ("Your message of Monday <a@x>", ("a@x",)),
        ("Your message of Monday", ()),
        ("<no-at-sign>", ("no-at-sign",)),
        ("", ()),
    ],
)
def test_ids_are_read_in_every_spelling(value: str, ids: tuple[str, ...]) -> None:
    assert parse(raw_mail({"References": value})).references == ids


def test_of_very_many_references_the_first_and_the_newest_stay() -> None:
    ids = parse(raw_mail({"References": " ".join(f"<{n}@x>" for n in range(900))})).references
    assert (len(ids), ids[0], ids[-1]) == (200, "0@x", "899@x")


@pytest.mark.parametrize(
    ("value", "message_id"),
    [("<a@x>", "a@x"), ("a@x", "a@x"), ("<wild id>", "wildid"), ("", None), ("<>", None)],
)
def test_a_message_id_is_read_without_brackets(value: str, message_id: str | None) -> None:
    assert parse(raw_mail({"Message-ID": value})).message_id == message_id


def test_the_line_of_an_mbox_and_bare_carriage_returns_are_no_obstacle() -> None:
    raw = raw_mail()
    assert parse(b"From anna@example.com Mon Mar  2 09:30:00 2026\n" + raw).subject
    assert parse(raw.replace(b"\r\n", b"\r")).subject == "Printer on fire"
    assert parse(raw.replace(b"\r\n", b"\n")).subject == "Printer on fire"


def test_signals_are_the_facts_of_the_header() -> None:
    signals = parse(
        raw_mail(
            {
                "Auto-Submitted": "Auto-Replied (vacation); owner-email=x",
                "X-Auto-Response-Suppress": "DR, OOF",
                "Precedence": " Bulk ",
                "List-Id": "<l.example.com>",
                "Return-Path": "< >",
                "From": "MAILER-DAEMON@example.com",
            },
            more=[b"Received: a", b"Received: b"],
        )
    ).signals
    assert signals.auto_submitted == "auto-replied"
    assert signals.suppress == ("dr", "oof")
    assert signals.precedence == "bulk"
    assert signals.is_list
    assert signals.null_return_path
    assert signals.from_mail_system
    assert not signals.is_report
    assert signals.received_count == 2


@pytest.mark.parametrize("reference", ["cid:logo@x", "CID:logo@x", "cid:logo%40x"])
def test_a_picture_that_the_html_shows_is_inline_whatever_it_calls_itself(reference: str) -> None:
    mail = parse(
        multipart_mail(
            "related",
            part("text/html", f'<img src="{reference}">'),
            part("image/png", b"1", Content_ID="<logo@x>", Content_Disposition="attachment"),
            part("image/png", b"2", Content_ID="<other@x>", Content_Disposition="attachment"),
        )
    )
    assert [file.inline for file in mail.attachments] == [True, False]
