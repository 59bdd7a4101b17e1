"""Templates that admins write, filled with plain text; they cannot hang, grow or look around.

Jinja2 in its sandbox, of which only this much is taken: text, `{{ name }}`, `{% if %}`, comparison,
`~` and a few filters, and only the names that the template is given. Without loops, calls,
arithmetic and assignment a template ends after one walk through its source, and what it makes is no
longer than its source and each value once for each place that names it. So no time limit is
needed, and a name that is not there is found when the template is written, not when mail goes out.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

Values = Mapping[str, str | int | Mapping[str, str | int]]
"""Plain data: a name, or a name with fields (`ticket.number`). HTML that is ready is `Markup`."""

MOST_CHARACTERS: Final = 4_000_000
"""Of what a template may make; an answer may have two million in its HTML."""
_MOST_DEPTH: Final = 50
_FILTERS: Final = frozenset(
    {"capitalize", "d", "default", "e", "escape", "lower", "title", "trim", "upper"}
)
_TESTS: Final = frozenset({"defined", "none"})
_TAKEN: Final = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.Const,
    nodes.If, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not,
    nodes.Concat, nodes.Filter, nodes.Test, nodes.Keyword,
)  # fmt: skip
_WORDS: Final = {
    "For": "loops", "Call": "calls", "Assign": "assignment", "AssignBlock": "assignment",
    "Getitem": "indexes", "Macro": "macros", "Include": "files", "Import": "files",
    "FromImport": "files", "Extends": "files", "Block": "blocks", "FilterBlock": "blocks",
    "With": "assignment",
}  # fmt: skip


class TemplateWrong(Exception):
    """The template is none that we take; `line` counts from one."""

    def __init__(self, detail: str, line: int) -> None:
        super().__init__(detail)
        self.detail = detail
        self.line = line


class TemplateFailed(Exception):
    """What a template made cannot be used."""


@dataclass(frozen=True)
class Kind:
    """Whether values are escaped (HTML), and the names there are: `ticket.number`, `mark`."""

    is_html: bool
    names: frozenset[str]


def check(source: str, kind: Kind) -> None:
    """Give back nothing for a template that may be kept; TemplateWrong."""
    try:
        tree = _environment(kind.is_html).parse(source)
        _check_nodes(tree, kind.names)
        _compiled(source, is_html=kind.is_html)
    except TemplateSyntaxError as error:
        raise TemplateWrong(error.message or "it cannot be read", error.lineno) from error
    except (RecursionError, SyntaxError, MemoryError, ValueError, OverflowError) as error:
        # Of Python's own compiler, and of numbers with thousands of digits.
        raise TemplateWrong("it is nested too deeply, or a number is too long", 1) from error


def fill(source: str, values: Values, kind: Kind) -> str:
    """What the template makes of the values; TemplateFailed where it is not one that `check` takes.

    It is checked again, which is remembered: documents may have been kept by another release.
    """
    try:
        _checked(source, kind)
        made = _compiled(source, is_html=kind.is_html).generate(values)
        return _limited(made)
    except (TemplateWrong, TemplateError, TypeError, ValueError) as error:
        raise TemplateFailed(f"{type(error).__name__}: {error}"[:300]) from error


@lru_cache(maxsize=512)
def _checked(source: str, kind: Kind) -> None:
    check(source, kind)


def _limited(made: Iterator[str]) -> str:
    parts: list[str] = []
    total = 0
    for part in made:
        total += len(part)
        if total > MOST_CHARACTERS:
            raise TemplateFailed("it makes too much text")
        parts.append(part)
    return "".join(parts)


@lru_cache(maxsize=2)
def _environment(is_html: bool) -> ImmutableSandboxedEnvironment:  # noqa: FBT001 - a key of the cache
    environment = ImmutableSandboxedEnvironment(
        autoescape=is_html, undefined=StrictUndefined, keep_trailing_newline=True, cache_size=0
    )
    environment.filters = {name: environment.filters[name] for name in _FILTERS}
    environment.tests = {name: environment.tests[name] for name in _TESTS}
    environment.globals = {}
    return environment


@lru_cache(maxsize=512)
def _compiled(source: str, *, is_html: bool) -> Template:
    return _environment(is_html).from_string(source)


def _check_nodes(tree: nodes.Template, names: Collection[str]) -> None:
    waiting: list[tuple[nodes.Node, int]] = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > _MOST_DEPTH:
            raise TemplateWrong("it is nested too deeply", node.lineno)
        if not isinstance(node, _TAKEN):
            what = _WORDS.get(type(node).__name__, type(node).__name__.lower())
            raise TemplateWrong(f"{what} are not taken here", node.lineno)
        name = _name_of(node)
        if name is None:
            waiting += [(child, depth + 1) for child in node.iter_child_nodes()]
        elif name not in names:
            known = ", ".join(sorted(names))
            raise TemplateWrong(f"there is no `{name}`; there are {known}", node.lineno)


def _name_of(node: nodes.Node) -> str | None:
    """The name that a node stands for; None where it is no name."""
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr):
        inner = _name_of(node.node)
        return f"{inner}.{node.attr}" if inner else f"….{node.attr}"
    return None


def ready(html: str) -> Markup:
    """HTML that a template takes as it is."""
    return Markup(html)  # noqa: S704 - made by us, or by whoever may write the mail
