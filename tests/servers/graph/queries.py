"""Query options of OData, as far as Graph's Outlook service takes them; the rest is refused."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from servers.graph.errors import GraphError, bad_request

CONDITION = re.compile(
    r"(?P<name>[A-Za-z/]+) (?P<word>ge|gt|le|lt|eq|ne) "
    r"(?P<value>'(?:[^']|'')*'|true|false|null|[0-9T:.+Z-]+)"
)
SKIP_MAXIMUM = 1000
TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)")
TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "ge": lambda left, right: left >= right,
    "gt": lambda left, right: left > right,
    "le": lambda left, right: left <= right,
    "lt": lambda left, right: left < right,
    "eq": lambda left, right: left == right,
    "ne": lambda left, right: left != right,
}


@dataclass(frozen=True)
class Condition:
    """One comparison of a `$filter`."""

    name: str
    word: str
    value: str | bool | datetime | None

    def holds(self, properties: dict[str, Any]) -> bool:
        there = properties.get(self.name)
        if isinstance(self.value, datetime):
            there = time_of(str(there))
        elif isinstance(there, str) and isinstance(self.value, str):
            there, wanted = there.casefold(), self.value.casefold()
            return TESTS[self.word](there, wanted)
        return TESTS[self.word](there, self.value)


@dataclass(frozen=True)
class Query:
    """The options of one request, read and checked."""

    select: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    order: tuple[tuple[str, bool], ...] = ()
    """(Property, descending)."""
    top: int | None = None
    skip: int = 0
    count: bool = False
    extended: tuple[str, ...] = ()
    """Ids of extended properties that were expanded."""
    other: dict[str, str] = field(default_factory=dict)

    def holds(self, properties: dict[str, Any]) -> bool:
        return all(condition.holds(properties) for condition in self.conditions)

    def sorted(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for name, descending in reversed(self.order):
            rows = sorted(rows, key=lambda row: str(row.get(name)), reverse=descending)
        return rows


def time_of(text: str) -> datetime:
    """A time of OData; ValueError if it is none."""
    if not TIME.fullmatch(text):
        raise ValueError(text)
    return datetime.fromisoformat(text).astimezone(UTC)


def read_query(
    options: dict[str, str], *, allowed: frozenset[str], properties: frozenset[str]
) -> Query:
    """What a request asks for; 400 for what Graph would not take.

    `properties` may be selected, filtered by and ordered by.
    """
    for name in options:
        if name not in allowed:
            raise bad_request(f"Query option '{name}' is not supported here.")
    conditions = _filter(options.get("$filter"), properties)
    order = _order(options.get("$orderby"), properties)
    _must_be_efficient(conditions, order)
    return Query(
        select=_select(options.get("$select"), properties),
        conditions=conditions,
        order=order,
        top=_number(options, "$top", 1, 1000),
        skip=_number(options, "$skip", 0, 1_000_000) or 0,
        count=options.get("$count", "false").lower() == "true",
        extended=_expand(options.get("$expand")),
        other={name: value for name, value in options.items() if not name.startswith("$")},
    )


def _select(text: str | None, properties: frozenset[str]) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",")) if text else ()
    for name in names:
        _must_be_known(name, properties)
    return names


def _filter(text: str | None, properties: frozenset[str]) -> tuple[Condition, ...]:
    if text is None:
        return ()
    found, at = [], 0
    while True:
        match = CONDITION.match(text, at)
        if match is None:
            raise bad_request(f"Invalid filter clause: {text!r} at {at}.")
        _must_be_known(match["name"], properties)
        found.append(Condition(match["name"], match["word"], _value(match["value"])))
        at = match.end()
        if at == len(text):
            return tuple(found)
        if not text.startswith(" and ", at):
            raise bad_request(f"Invalid filter clause: {text!r} at {at}.")
        at += len(" and ")


def _value(text: str) -> str | bool | datetime | None:
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    if text in ("true", "false", "null"):
        return {"true": True, "false": False}.get(text)
    try:
        return time_of(text)
    except ValueError:
        raise bad_request(f"Unrecognized literal '{text}' in the filter.") from None


def _order(text: str | None, properties: frozenset[str]) -> tuple[tuple[str, bool], ...]:
    found = []
    for part in text.split(",") if text else ():
        name, _, word = part.strip().partition(" ")
        _must_be_known(name, properties)
        if word not in ("", "asc", "desc"):
            raise bad_request(f"Syntax error in $orderby: '{part}'.")
        found.append((name, word == "desc"))
    return tuple(found)


def _must_be_efficient(
    conditions: tuple[Condition, ...], order: tuple[tuple[str, bool], ...]
) -> None:
    """What orders comes first in the filter, in the same order (Graph: "List messages")."""
    filtered = list(dict.fromkeys(condition.name for condition in conditions))
    ordering = [name for name, _ in order]
    if filtered and filtered[: len(ordering)] != ordering:
        raise GraphError(
            400,
            "InefficientFilter",
            "The restriction or sort order is too complex for this operation.",
        )


def _number(options: dict[str, str], name: str, least: int, most: int) -> int | None:
    text = options.get(name)
    if text is None:
        return None
    if not text.isdigit() or not least <= int(text) <= most:
        raise bad_request(f"The value of {name} must be from {least} to {most}.")
    return int(text)


def _expand(text: str | None) -> tuple[str, ...]:
    """`singleValueExtendedProperties($filter=id eq '…' or id eq '…')`; nothing else."""
    if text is None:
        return ()
    match = re.fullmatch(r"singleValueExtendedProperties\(\$filter=(.+)\)", text)
    ids = (
        [re.fullmatch(r"id eq '([^']+)'", part) for part in match[1].split(" or ")] if match else []
    )
    if not ids or not all(ids):
        raise bad_request(f"Parsing of $expand failed: {text!r}.")
    return tuple(found[1] for found in ids if found)


def _must_be_known(name: str, properties: frozenset[str]) -> None:
    if name not in properties:
        raise bad_request(f"Could not find a property named '{name}'.")
