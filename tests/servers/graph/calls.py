"""One call as the pages see it, and which page it reaches."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from servers.graph.access import Caller
from servers.graph.errors import GraphError, bad_request
from servers.graph.queries import Query, read_query
from servers.graph.store import Folder, Mailbox, Stored
from servers.graph.wire import Answer, Request

if TYPE_CHECKING:
    from servers.graph.server import GraphServer

PREFERENCES = re.compile(
    r'IdType="ImmutableId"|odata\.maxpagesize=(?P<page>[1-9]\d*)|outlook\.timezone="[^"]+"'
    r'|outlook\.body-content-type="(text|html)"|outlook\.allow-unsafe-html|return=minimal'
)
BODY_MOST = 4 * 1024 * 1024
"""Bytes of a request ("outlook-large-attachments": "the request size limit of 4 MB")."""


@dataclass(frozen=True)
class Preferences:
    """What the `Prefer` headers of a request say."""

    immutable: bool = False
    page: int | None = None


@dataclass(frozen=True)
class Call:
    """A request to a mailbox, signed in and allowed."""

    graph: "GraphServer"
    caller: Caller
    mailbox: Mailbox
    request: Request
    prefer: Preferences
    parts: dict[str, str]
    """What stood in the path where the route has a name in braces."""
    after: list[Callable[[], None]] = field(default_factory=list)
    """What is done when the mailbox is let go, before the answer goes out."""

    @property
    def folder(self) -> Folder:
        return self.mailbox.folder(self.parts["folder"])

    @property
    def message(self) -> Stored:
        found = self.mailbox.message(self.parts["message"], immutable=self.prefer.immutable)
        if "folder" in self.parts and found.folder_id != self.folder.id:
            raise GraphError(
                404, "ErrorItemNotFound", "The specified object was not found in the store."
            )
        return found

    @property
    def json(self) -> dict[str, Any]:
        return json_of(self.request)

    def query(self, allowed: frozenset[str], properties: frozenset[str]) -> Query:
        return read_query(self.request.options, allowed=allowed, properties=properties)

    def link(self, query: str) -> str:
        """This very address with another query."""
        return f"{self.graph.base_url.removesuffix('/v1.0')}{self.request.path}?{query}"


@dataclass(frozen=True)
class Route:
    """A page: `{names}` in its pattern stand for one segment each."""

    method: str
    pattern: str
    permission: str
    serve: Callable[[Call], Answer]

    def match(self, segments: list[str]) -> dict[str, str] | None:
        wanted = self.pattern.split("/")
        if len(wanted) != len(segments):
            return None
        parts = {}
        for name, segment in zip(wanted, segments, strict=True):
            if name.startswith("{"):
                parts[name[1:-1]] = segment
            elif name != segment:
                return None
        return parts


def find_route(
    routes: list[Route], method: str, segments: list[str]
) -> tuple[Route, dict[str, str]]:
    """The page of an address; 405 if it has other methods only, 400 if there is none."""
    found = [(r, parts) for r in routes if (parts := r.match(segments)) is not None]
    for route, parts in found:
        if route.method == method:
            return route, parts
    if found:
        raise GraphError(
            405,
            "Request_BadRequest",
            "Specified HTTP method is not allowed for the request target.",
        )
    raise bad_request(f"Resource not found for the segment '{segments[-1]}'.")


def json_of(request: Request) -> dict[str, Any]:
    """The body of a request; 400 if it is no JSON object."""
    if not request.headers.get("Content-Type", "").startswith("application/json"):
        raise GraphError(415, "BadRequest", "A request body needs Content-Type: application/json.")
    try:
        value = json.loads(request.body)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise bad_request("Unable to read JSON request payload.", "RequestBodyRead")
    return value


def preferences(request: Request) -> Preferences:
    """What the request prefers; 400 for what Graph has no word for."""
    text = ",".join(request.headers.get_all("Prefer", []))
    page, immutable = None, False
    for part in filter(None, re.split(r",\s*(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", text)):
        match = PREFERENCES.fullmatch(part.strip())
        if match is None:
            raise bad_request(f"Prefer header '{part}' is not understood.")
        immutable = immutable or part.strip().startswith("IdType")
        page = int(match["page"]) if match["page"] else page
    return Preferences(immutable, page)
