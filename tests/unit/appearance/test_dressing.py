"""How a mail looks: as shipped, as configured, and when what was configured fails."""

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from postbus.appearance import Look, dressed, wrongs_of
from postbus.appearance.checking import SAMPLE
from postbus.appearance.dressing import Quoted
from postbus.appearance.look import text_colour_on
from postbus.appearance.phrases import LANGUAGES, attribution
from postbus.contracts.appearance import Appearance, Logo, QuotedHistory
from postbus.mail.own_words import own_words

LOGO = Logo(sha256="a" * 64, size_bytes=9, content_type="image/png", width=120, height=40)
FRAME = (
    "<html><head><style>.c { color: {{ accent }} } p { margin: 0 }</style></head><body>"
    '<p class="c">{{ queue.name }}</p>{{ content }}{{ signature }}{{ quote }}<i>{{ mark }}</i>'
    "</body></html>"
)


def look(**fields: object) -> Look:
    appearance = Appearance.model_validate({"id": "support", **fields})
    return Look(appearance=appearance, queue_name="Support", queue_colour="#16a34a")


def text_of(html: str) -> str:
    body = LexborHTMLParser(html).body
    assert body is not None
    return " ".join(body.text(separator=" ").split())


def test_a_queue_that_said_nothing_looks_decent() -> None:
    made = dressed(replace(SAMPLE, html=None), look())
    assert "border-top: 4px solid #16a34a" in made.html.partition("</head>")[2]
    assert "prefers-color-scheme: dark" in made.html
    assert 'role="presentation"' in made.html
    assert text_of(made.html).startswith("Support Please use the stairs.")
    assert made.problem is None


def test_text_and_html_say_the_same_and_the_mark_is_last() -> None:
    made = dressed(replace(SAMPLE, html=None), look(signature="Kind regards,\n{{ queue.name }}"))
    assert made.text == (
        "Please use the stairs.\n\nKind regards,\nSupport\n\n"
        "On 2026-03-02 at 09:30 UTC, Anna Jansen wrote:\n> My printer is on fire.\n\n"
        f"-- \n{SAMPLE.mark}\n"
    )
    shown = text_of(made.html)
    for words in ("Please use the stairs.", "Kind regards,", "Anna Jansen wrote:", SAMPLE.mark):
        assert words in shown
    assert shown.endswith(SAMPLE.mark)


def test_nothing_is_quoted_where_that_was_chosen() -> None:
    made = dressed(SAMPLE, look(quote=QuotedHistory.NONE))
    assert "My printer is on fire" not in made.text + made.html
    assert "wrote" not in made.text + made.html


def test_receipts_name_the_queue_and_answers_do_not() -> None:
    assert dressed(replace(SAMPLE, quotes=()), look()).text.splitlines()[2] == "-- "
    receipt = dressed(replace(SAMPLE, quotes=(), is_receipt=True), look())
    assert receipt.text.splitlines()[2] == "Support"


def test_the_logo_is_of_the_mail_itself() -> None:
    made = dressed(SAMPLE, look(logo=LOGO))
    assert '<img src="cid:logo@postbus" alt="Support" width="120" height="40"' in made.html
    assert "http" not in made.html


def test_a_frame_has_its_styles_in_its_tags_and_leaves_words_alone() -> None:
    html = '<style>p { color: red }</style><p onclick="x">&amp;<o:p>1</o:p></p>'
    made = dressed(replace(SAMPLE, html=html), look(frame=FRAME, accent="#123456"))
    assert f"<div>{html}</div>" in made.html
    assert '<p class="c" style="margin: 0;color: #123456' in made.html


def test_words_that_look_like_a_place_stay_words() -> None:
    sly = "<!--postbus:quote-->{{ mark }}<!--postbus:content-->"
    made = dressed(replace(SAMPLE, html=sly), look())
    assert sly in made.html
    about = replace(SAMPLE.about, customer_name="<!--postbus:content-->")
    frame = FRAME.replace("{{ queue.name }}", "{{ customer.name }}")
    made = dressed(replace(SAMPLE, about=about), look(frame=frame))
    assert made.problem is None
    assert made.html.count("postbus-sample") == 1


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"frame": "<p>{% for a in 'b' %}{% endfor %}"}, "loops"),
        ({"frame": "<p>{{ mark }}</p>"}, "content"),
        ({"frame": "<p>{{ content }}</p>"}, "mark"),
        ({"frame": "{{ mark }}" + "{{ content }}" * 3}, "content"),
        ({"signature": "{{ nobody }}"}, "nobody"),
        ({"signature_html": "{{ 1 < 'a' }}"}, "TypeError"),
        ({"frame": FRAME.replace(".c {", "* * * * p {")}, "selector"),
    ],
)
def test_a_look_that_fails_is_left_out_and_the_mail_is_whole(
    fields: dict[str, str], says: str
) -> None:
    """INVARIANT: no template keeps a mail from going out, with its words and its mark."""
    made = dressed(SAMPLE, look(**fields))
    assert says in (made.problem or "")
    assert "postbus-sample" in made.html
    assert SAMPLE.mark in text_of(made.html)
    assert SAMPLE.mark in made.text


@pytest.mark.parametrize(
    ("fields", "pointer", "says"),
    [
        ({"frame": "a\n{{ nobody }}"}, "#/frame", "line 2: there is no `nobody`"),
        ({"frame": "<!-- {{ content }} -->{{ mark }}"}, "#/frame", "where people read"),
        ({"frame": '<p title="{{ content }}">{{ mark }}'}, "#/frame", "where people read"),
        ({"frame": "<style>{{ content }}</style>{{ mark }}"}, "#/frame", ""),
        ({"frame": "{{ content }}<title>{{ mark }}</title>"}, "#/frame", ""),
        ({"frame": "{{ content }}{{ mark }}" + "<p>" * 600}, "#/frame", "tags"),
        ({"frame": "<div>" * 3000 + "{{ content }}{{ mark }}"}, "#/frame", "tags"),
        ({"frame": "{{ content }}{{ mark }}<style>p ~ p {}</style>"}, "#/frame", "selector"),
        ({"frame": "{{ content }}{{ mark }}<style>:not(p) {}</style>"}, "#/frame", "selector"),
        ({"signature": "{{ ticket.title }}"}, "#/signature", "line 1"),
        ({"signature_html": "<b>\n\n{% if %}"}, "#/signature_html", "line 3"),
        ({"receipts": {"nl": {"text": "{{ x }}"}}}, "#/receipts/nl/text", "line 1"),
        ({"receipts": {"nl": {"text": "x", "subject": "{{ x"}}}, "#/receipts/nl/subject", "line"),
        ({"language": "tr"}, "#/language", "`tr`"),
    ],
)
def test_what_is_wrong_is_said_before_it_is_kept(
    fields: dict[str, object], pointer: str, says: str
) -> None:
    (wrong,) = wrongs_of(Appearance.model_validate({"id": "support", **fields}))
    assert wrong.pointer == pointer
    assert says in wrong.detail


EVIL = "* * * * p"
HIDDEN = [
    f"{EVIL}{{}}",
    f"@import 'x'; {EVIL}{{}}",
    f"@media print {{ {EVIL}{{}} }}",
    f"a{{}}{EVIL}{{}}",
    f"a, {EVIL}{{}}",
    f'a{{content:"/*"}} {EVIL}{{}} b{{content:"*/"}}',
    f'a{{content:"/*\n}} {EVIL}{{}} /* */',
    f"a{{b:url(/*)}} {EVIL}{{}} c{{d:URL(*/)}}",
    "* * * .a\\}p{}",
    "/* a */ p ~ p {}",
    "p:not(p) {}",
    "p[a] {}",
    "a b c d {}",
]


@pytest.mark.parametrize("style", HIDDEN)
def test_a_costly_selector_finds_no_way_around(style: str) -> None:
    """INVARIANT: some selectors over some tags take the library minutes."""
    frame = f"<style>{style}</style>{{{{ content }}}}{{{{ mark }}}}"
    (wrong,) = wrongs_of(Appearance(id="support", frame=frame))
    assert "not taken" in wrong.detail


PLAIN = [
    "p{}", "P.a#b , td > a:hover,\n.x   .y\tspan {}", "/* ~ */ p {}", "@media (width: 9px) {p {}}",
    "a{font-family:'Segoe UI', \"x;y\"} p{}", "@font-face {font-family: 'x'} p > b {}", "",
]  # fmt: skip


@pytest.mark.parametrize("style", PLAIN)
def test_plain_selectors_are_taken(style: str) -> None:
    frame = f"<style>{style}</style>{{{{ content }}}}{{{{ mark }}}}"
    assert wrongs_of(Appearance(id="support", frame=frame)) == ()


@pytest.mark.parametrize("style", ["/*" * 3900, "a" + " " * 7900 + "b{", "x" * 7900, '"' * 7900])
def test_looking_at_styles_takes_a_moment(style: str) -> None:
    frame = f"<style>{style}</style>{{{{ content }}}}{{{{ mark }}}}"
    began = time.process_time()
    wrongs_of(Appearance(id="support", frame=frame))
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize(
    ("html", "said"),
    [
        ("<p>Hi</p><script>x()</script>", "`<script>`"),
        ('<IFRAME src="https://x"></IFRAME>', "`<iframe>`"),
        ("<svg><circle/></svg>", "`<svg>`"),
        ('<meta http-equiv="Refresh" content="0">', "`<meta>`"),
        ('<p onClick="x()">Hi</p>', "`onclick`"),
        ('<a href=" JavaScript:x()">Hi</a>', "`href`"),
    ],
)
@pytest.mark.parametrize("field", ["signature_html", "frame"])
def test_what_would_do_something_is_not_taken(html: str, said: str, field: str) -> None:
    """Programs drop it at best; filters take the mail for an attack."""
    more = "{{ content }}{{ mark }}" if field == "frame" else ""
    found = wrongs_of(Appearance.model_validate({"id": "support", field: html + more}))
    assert [(one.pointer, said in one.detail) for one in found] == [(f"#/{field}", True)]


def test_what_is_right_is_not_refused() -> None:
    texts = {"tr": {"text": "Merhaba {{ customer.name }}", "subject": "#{{ ticket.number }}"}}
    fields = {"frame": FRAME, "signature": "x", "receipts": texts, "language": "tr", "logo": LOGO}
    assert wrongs_of(Appearance.model_validate({"id": "support", **fields})) == ()
    assert wrongs_of(Appearance(id="support")) == ()


def test_a_frame_costs_a_moment_at_most() -> None:
    """INVARIANT: the dearest frame that is taken does not keep other mail waiting."""
    style = "".join(f"div div p.c{n}{{a:b}}" for n in range(350))
    frame = f"<style>{style}</style>{'<div>' * 240}{'<p>x' * 240}{{{{ content }}}}{{{{ mark }}}}"
    assert wrongs_of(Appearance(id="support", frame=frame)) == ()
    began = time.process_time()
    made = dressed(SAMPLE, look(frame=frame))
    assert time.process_time() - began < 0.5
    assert made.problem is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_our_own_reader_knows_our_attribution(language: str) -> None:
    """Else the answer to an answer would repeat it."""
    above = attribution(language, who="Anna Jansen", at=datetime(2026, 3, 2, 9, 30, tzinfo=UTC))
    assert own_words(f"Thanks, that helped.\n\n{above}\n> My printer is on fire.\n").strip() == (
        "Thanks, that helped."
    )


def test_the_attribution_speaks_the_language_of_the_mail_else_of_the_queue() -> None:
    dutch = dressed(replace(SAMPLE, language="nl"), look())
    assert "Op 2026-03-02 om 09:30 UTC schreef Anna Jansen:" in dutch.text
    german = dressed(replace(SAMPLE, language=None), look(language="de"))
    assert "schrieb Anna Jansen:" in german.text
    turkish = dressed(replace(SAMPLE, language="tr"), look())
    assert "Anna Jansen wrote:" in turkish.text


@pytest.mark.parametrize(
    ("background", "text"),
    [
        ("#000000", "#ffffff"),
        ("#ffffff", "#000000"),
        ("#ffff00", "#000000"),
        ("#1d4ed8", "#ffffff"),
    ],
)
def test_text_on_the_accent_can_be_read(background: str, text: str) -> None:
    assert text_colour_on(background) == text


def test_a_quote_may_be_empty() -> None:
    said = replace(SAMPLE, quotes=(Quoted("Anna", SAMPLE.quotes[0].at, ""),))
    assert "Anna wrote:" in dressed(said, look()).text


@pytest.mark.parametrize(("quote", "shown"), [("none", 0), ("last", 1), ("thread", 2)])
def test_as_much_is_quoted_as_was_chosen_the_newest_first(quote: str, shown: int) -> None:
    made = dressed(SAMPLE, look(quote=quote))
    assert made.text.count("wrote:") == made.html.count("wrote:") == shown
    assert made.html.count("<blockquote") == shown
    quoted = [line for line in made.text.splitlines() if line.startswith("> ")]
    assert quoted == ["> My printer is on fire.", "> Your printer is on its way."][:shown]


_PIECES = st.sampled_from([
    "{{ content }}", "{{ mark }}", "{{ quote }}", "{{ logo }}", "{% if quote %}", "{% endif %}",
    "<div>", "</div>", "<table>", "<tr><td>", "</table>", "<style>", "</style>", "p{", "}",
    "@media print{", ".a>b{color:red}", "* *{", "<!--", "-->", "<script>", "<svg>", "<template>",
    "<textarea>", "<title>", '<a b="', ">", "<", "&", "<![CDATA[", "</body>", "</html>",
    "<plaintext>", "<frameset>", "x", "\x00", "é",
])  # fmt: skip


@settings(deadline=None)
@given(st.lists(_PIECES, max_size=30).map("".join))
@example("<div>" * 2600 + "{{ content }}{{ mark }}")
@example("{{ content }}{{ mark }}" + "<p>" * 450 + "<style>" + "p p p{a:b}" * 700)
def test_any_frame_is_refused_or_shown_and_the_mail_is_whole(frame: str) -> None:
    """INVARIANT: no frame keeps a mail from going out, nor hides who it is about."""
    configured = look(frame=frame)
    wrongs = wrongs_of(configured.appearance)
    assert all(one.pointer == "#/frame" for one in wrongs)
    made = dressed(SAMPLE, configured)
    assert "postbus-sample" in made.html
    assert SAMPLE.mark in made.text
    if made.problem is None and not wrongs:
        assert SAMPLE.mark in text_of(made.html)
