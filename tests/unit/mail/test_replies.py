"""Replies of a made-up conversation in every language and program: exactly the writer's words."""

from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postbus.mail.own_words import own_words
from postbus.mail.parse import parse
from replies.languages import LANGUAGES
from replies.programs import (
    QUESTION,
    Reply,
    attributed_replies,
    attributions,
    forwards,
    header_block,
    html_replies,
    marked,
    replies_with_headers,
)

SIGNATURE = "-- \nTineke Vos\nExample BV\nwww.example.com"


def name_of(reply: Reply) -> str:
    return reply.name


def html_mail(html: str, *, plain: str | None = None, subject: str = "Re: Printer") -> bytes:
    mail = EmailMessage()
    mail["From"] = "tineke@example.com"
    mail["Subject"] = subject
    if plain is None:
        mail.set_content(html, subtype="html")
    else:
        mail.set_content(plain)
        mail.add_alternative(html, subtype="html")
    return mail.as_bytes()


@pytest.mark.parametrize("reply", [*attributed_replies(), *replies_with_headers()], ids=name_of)
def test_a_reply_is_what_its_writer_wrote(reply: Reply) -> None:
    assert own_words(reply.text) == reply.own
    assert own_words(own_words(reply.text)) == reply.own


@pytest.mark.parametrize("reply", [*html_replies()], ids=name_of)
def test_a_reply_in_html_is_what_its_writer_wrote(reply: Reply) -> None:
    parsed = parse(html_mail(reply.text))
    assert parsed.text == reply.own
    assert QUESTION.split("\n")[2] in parsed.full_text


@pytest.mark.parametrize("reply", [*forwards()], ids=name_of)
def test_a_forward_is_shown_whole(reply: Reply) -> None:
    assert own_words(reply.text) == reply.own


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_forward_by_its_subject_keeps_the_header_and_what_follows(code: str) -> None:
    language = LANGUAGES[code]
    text = f"{language.own}\n\n{header_block(language)}\n\n{QUESTION}"
    assert own_words(text, is_forward=True) == text
    assert own_words(text) == language.own


@pytest.mark.parametrize("code", LANGUAGES)
def test_sentences_about_writing_are_no_attribution(code: str) -> None:
    own = LANGUAGES[code].own
    assert own_words(f"{own}\n\n{own}\n") == f"{own}\n\n{own}"


def test_a_forward_in_html_is_shown_whole() -> None:
    html = (
        '<p>For you.</p><div id="divRplyFwdMsg"><b>From:</b> Bob<br><b>Sent:</b> today</div>'
        "<p>Old words</p>"
    )
    assert parse(html_mail(html)).text == "For you."
    passed_on = parse(html_mail(html, subject="Fwd: Printer"))
    assert passed_on.text == passed_on.full_text
    assert "Old words" in passed_on.text


FINNISH = f"Toimii nyt.\n\n{header_block(LANGUAGES['fi'])}\n\n{QUESTION}"
DANISH = f"Til dig.\n\n{header_block(LANGUAGES['da'])}\n\n{QUESTION}"
ENGLISH = f"For you.\n\n{header_block(LANGUAGES['en'])}\n\n{QUESTION}"
ATTRIBUTED = f"For you.\n\n{marked(QUESTION)}"


@pytest.mark.parametrize(
    ("subject", "parent", "text", "own"),
    [
        ("Fwd: Printer", "<1@example.com>", ENGLISH, ENGLISH),
        ("Re: Fwd: Printer", None, ENGLISH, "For you."),
        ("Re: Printer", None, ENGLISH, "For you."),
        ("Printer", "<1@example.com>", ENGLISH, "For you."),
        ("Printer", None, ENGLISH, ENGLISH),
        ("", None, ENGLISH, "For you."),
        ("VS: Printer", "<1@example.com>", FINNISH, "Toimii nyt."),
        ("VS: Printer", "<1@example.com>", DANISH, DANISH),
        ("Printer", None, ATTRIBUTED, "For you."),
    ],
)
def test_a_header_in_the_text_is_a_forwards_where_the_mail_answers_none(
    subject: str, parent: str | None, text: str, own: str
) -> None:
    mail = EmailMessage()
    mail["From"] = "tineke@example.com"
    if subject:
        mail["Subject"] = subject
    if parent:
        mail["In-Reply-To"] = parent
    mail.set_content(text)
    assert parse(mail.as_bytes()).text == own


def test_a_gmail_forward_is_no_quote_though_it_is_marked_as_one() -> None:
    html = (
        '<p>For you.</p><div class="gmail_quote"><div class="gmail_attr">---------- Forwarded '
        "message ---------<br>From: Bob<br>Subject: x</div><p>Old words</p></div>"
    )
    parsed = parse(html_mail(html))
    assert parsed.text == parsed.full_text


def test_the_plain_text_is_the_basis_where_there_is_one() -> None:
    parsed = parse(html_mail("<p>Hello</p><blockquote>old</blockquote>", plain="Hello\n\n> old\n"))
    assert parsed.text == "Hello"
    assert parsed.full_text == "Hello\n\n> old"


@pytest.mark.parametrize(
    "plain", ["", " \n\n", "This is an HTML message; your program shows none."]
)
def test_a_stub_of_plain_text_gives_way_to_the_html(plain: str) -> None:
    parsed = parse(html_mail("<p>Hello</p><blockquote>old</blockquote>", plain=plain))
    assert parsed.text == "Hello"
    assert parsed.full_text.endswith("Hello\n\n> old")
    assert plain.strip() in parsed.full_text


def test_own_words_about_html_are_no_stub() -> None:
    parsed = parse(html_mail("<p>The HTML is broken.</p>", plain="The HTML is broken.\n"))
    assert parsed.text == parsed.full_text == "The HTML is broken."


@pytest.mark.parametrize(
    "signature",
    [
        '<div class="gmail_signature">Tineke Vos<br>Example BV</div>',
        '<div class="moz-signature">Tineke Vos</div>',
        '<div id="Signature">Tineke Vos</div>',
        '<div class="protonmail_signature_block">Tineke Vos</div>',
        '<div name="messageSignatureSection">Tineke Vos</div>',
    ],
)
def test_a_signature_that_the_html_names_is_cut(signature: str) -> None:
    parsed = parse(html_mail(f"<div>It works.</div>{signature}<blockquote>old</blockquote>"))
    assert parsed.text == "It works."
    assert "Tineke Vos" in parsed.full_text


def test_a_paragraph_moved_to_the_right_is_no_quote() -> None:
    html = (
        '<p>One</p><blockquote style="margin:0 0 0 40px;border:none">Two</blockquote><p>Three</p>'
    )
    assert parse(html_mail(html)).text == "One\n\nTwo\n\nThree"


def test_answers_among_questions_in_html_keep_the_questions() -> None:
    html = (
        '<div class="moz-cite-prefix">Op 2-3-2026 schreef Bob:</div>'
        '<blockquote type="cite"><p>Is it on?</p></blockquote><p>Yes.</p>'
        '<blockquote type="cite"><p>Is it hot?</p></blockquote><p>Very.</p>'
        '<blockquote type="cite"><p>Bob</p></blockquote>'
    )
    assert parse(html_mail(html)).text == "> Is it on?\n\nYes.\n\n> Is it hot?\n\nVery."


LINES = st.lists(
    st.one_of(
        st.text(max_size=40),
        st.sampled_from(
            [
                "",
                "> quoted",
                ">",
                "-- ",
                "--",
                "_" * 30,
                SIGNATURE,
                "Sent from my iPhone",
                "From: Bob <bob@example.com>",
                "Date: 2 March 2026 09:30",
                "Subject: x",
                "---------- Forwarded message ---------",
                "-----Original Message-----",
                "-----BEGIN PGP SIGNED MESSAGE-----",
                "-----BEGIN PGP SIGNATURE-----",
                "AB> initials",
                "Thanks. On 2 Mar 2026 at 09:30, Bob <bob@example.com> wrote:",
                "<",
                "mailto:bob@example.com",
                "> wrote:",
                *(filled for _, _, filled in attributions()),
            ]
        ),
    ),
    max_size=25,
)


@given(LINES, st.booleans())
def test_nothing_is_invented_and_nothing_is_empty(given: list[str], is_forward: bool) -> None:  # noqa: FBT001 - hypothesis gives it by its place
    text = "\n".join(given)
    own = own_words(text, is_forward=is_forward)
    assert bool(own) == bool(text.strip())
    lines = {line.strip() for line in text.replace("\r\n", "\n").split("\n")}
    for line in own.split("\n"):
        stripped = line.strip()
        assert stripped in lines or any(one.startswith(stripped) for one in lines)


@given(LINES)
def test_what_stands_above_a_marked_quote_stays(given: list[str]) -> None:
    own = "\n".join(line for line in given if line.isalpha() and len(line) > 1) or "Yes"
    question = marked("\n".join(given))
    text = f"{own}\n\nOn 2 Mar 2026 at 09:30, Bob <bob@example.com> wrote:\n{question}"
    assert own_words(text) == own_words(own)


@given(st.text(alphabet="<>/ab \n\"='-:divbrhloquote", max_size=200))
def test_any_html_is_read_and_its_own_words_are_in_it(html: str) -> None:
    parsed = parse(html_mail(html))
    assert set(parsed.text.split()) <= set(parsed.full_text.split())
