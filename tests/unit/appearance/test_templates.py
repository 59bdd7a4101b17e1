"""Templates that admins write: what is taken, what is refused with its line, and what it costs."""

import contextlib
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from postbus.appearance.names import RECEIPT, SIGNATURE, SIGNATURE_HTML
from postbus.appearance.templates import TemplateFailed, TemplateWrong, check, fill

VALUES = {
    "ticket": {"number": 7, "title": "Printer"},
    "customer": {"name": "<Anna & Co>", "address": "anna@example.com"},
    "queue": {"name": "Support"},
    "agent": {"name": "Bram"},
    "language": "en",
    "accent": "#123456",
    "on_accent": "#ffffff",
}

TAKEN = [
    ("Hello {{ customer.name }}", "Hello <Anna & Co>"),
    ("{% if agent.name %}{{ agent.name|upper }}{% else %}-{% endif %}", "BRAM"),
    ("{{ 'a' ~ ticket.number }}", "a7"),
    ("{{ agent.name if ticket.number > 3 else '' }}", "Bram"),
    ("{# nobody sees this #}x\n", "x\n"),
    ("{{ customer.name|default('you', true)|trim }}", "<Anna & Co>"),
]


@pytest.mark.parametrize(("source", "made"), TAKEN)
def test_plain_templates_are_filled(source: str, made: str) -> None:
    check(source, SIGNATURE)
    assert fill(source, VALUES, SIGNATURE) == made


REFUSED = [
    ("a\n{{ ticket.numbre }}", 2, "ticket.number"),
    ("{{ secret }}", 1, "there is no `secret`"),
    ("{{ ticket }}", 1, "there is no `ticket`"),
    ("{{ ticket.items }}", 1, "there is no `ticket.items`"),
    ("{{ ''.__class__.__mro__ }}", 1, "there is no"),
    ("{{ ticket['number'] }}", 1, "indexes"),
    ("\n\n{% for a in 'b' %}{% endfor %}", 3, "loops"),
    ("{% for a in range(10**9) %}{% endfor %}", 1, "loops"),
    ("{{ range(10**9) }}", 1, "calls"),
    ("{{ 'a' * 1000000000 }}", 1, "mul"),
    ("{{ 9**9**9 }}", 1, "pow"),
    ("{{ 'a' % ticket.number }}", 1, "mod"),
    ("{% set a = 'b' %}", 1, "assignment"),
    ("{% macro a() %}{{ a() }}{% endmacro %}", 1, "macros"),
    ("{% include '/etc/passwd' %}", 1, "files"),
    ("{% extends 'x' %}", 1, "files"),
    ("{{ 'x'|replace('x', 'xx') }}", 1, "replace"),
    ("{{ 'x'|center(1000000000) }}", 1, "center"),
    ("{{ customer.name|safe }}", 1, "safe"),
    ("{{ ticket.number is callable }}", 1, "callable"),
    ("a\nb {{ ", 2, ""),
    ("{% if %}", 1, ""),
    ("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", 1, "deep"),
    ("{{ " + "not " * 60 + "1 }}", 1, "deep"),
    ("{{ " + "9" * 6000 + " }}", 1, "long"),
]


@pytest.mark.parametrize(("source", "line", "says"), REFUSED)
def test_what_could_hang_grow_or_look_around_is_refused_with_its_line(
    source: str, line: int, says: str
) -> None:
    """INVARIANT: a template ends after one walk through its source, whatever an admin wrote."""
    with pytest.raises(TemplateWrong) as wrong:
        check(source, SIGNATURE)
    assert wrong.value.line == line
    assert says in wrong.value.detail


def test_a_template_of_another_release_fails_and_does_not_run() -> None:
    with pytest.raises(TemplateFailed):
        fill("{% for a in range(10**9) %}x{% endfor %}", VALUES, SIGNATURE)
    with pytest.raises(TemplateFailed):
        fill("{{ ticket.number < 'a' }}", VALUES, SIGNATURE)


def test_values_are_escaped_in_html_and_not_in_text() -> None:
    source = "{{ customer.name }}"
    assert fill(source, VALUES, SIGNATURE_HTML) == "&lt;Anna &amp; Co&gt;"
    assert fill(source, VALUES, RECEIPT) == "<Anna & Co>"


def test_a_value_is_no_template() -> None:
    values = {**VALUES, "customer": {"name": "{{ ticket.number }}", "address": ""}}
    assert fill("{{ customer.name }}", values, SIGNATURE) == "{{ ticket.number }}"


def test_what_is_made_has_an_end() -> None:
    values = {**VALUES, "queue": {"name": "x" * 1_000_000}}
    with pytest.raises(TemplateFailed, match="too much"):
        fill("{{ queue.name }}" * 10, values, SIGNATURE)


def test_the_longest_template_takes_a_moment() -> None:
    source = "{{ ticket.number }}" * 400
    began = time.process_time()
    assert fill(source, VALUES, SIGNATURE) == "7" * 400
    assert time.process_time() - began < 2


_PIECES = st.sampled_from([
    "{{", "}}", "{%", "%}", "{#", "#}", "-", "if", "else", "endif", "elif", "for", "in", "set",
    "not", "and", "or", "is", "none", "defined", "ticket", ".", "number", "customer.name", "queue",
    "|", "upper", "e", "default", "(", ")", "[", "]", "'", '"', "~", "==", "<", "+", "*", "0", "9",
    "raw", "endraw", "block", "self", "loop", "import", "\\", "\n", " ", "\x00", "\ud800", "é",
])  # fmt: skip


@settings(deadline=None)  # Python takes a quarter of a second for the longest, once
@given(st.lists(_PIECES, max_size=40).map(" ".join) | st.lists(_PIECES, max_size=40).map("".join))
@example("{{ '" + "'|e|e" * 40 + " }}")
@example("{% if " * 200)
@example("{{ [" * 500)
@example("{{ 1" + "~1" * 4000 + " }}")
@example("{{ " + "- " * 5000 + "1 }}")
def test_any_source_is_refused_or_filled_and_nothing_else(source: str) -> None:
    """INVARIANT: whatever an admin writes, config answers 422 or keeps it, and dispatch sends."""
    for kind in (SIGNATURE, SIGNATURE_HTML):
        try:
            check(source, kind)
        except TemplateWrong as wrong:
            assert wrong.line >= 1  # noqa: PT017 - not every source is refused
            continue
        with contextlib.suppress(TemplateFailed):
            assert len(fill(source, VALUES, kind)) < 100 * len(source) + 100
