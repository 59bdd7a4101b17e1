"""Where the bytes of large files are put: a pre-signed address that wants no token.

Graph: "Attach large files to Outlook messages or events", steps 2 and 3.
"""

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from servers.graph.attachments import Session, finished
from servers.graph.errors import GraphError, bad_request
from servers.graph.wire import Answer, Request, json_answer

if TYPE_CHECKING:
    from servers.graph.server import GraphServer

PREFIX = "/api/v2.0/"
RANGE_MOST = 4 * 1024 * 1024
CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


def serve_upload(graph: "GraphServer", request: Request) -> Answer:
    """One request to an upload session."""
    session = graph.sessions.get(request.path)
    if session is None or request.options.get("authtoken") != session.token:
        raise GraphError(404, "ErrorItemNotFound", "The upload session was not found.")
    if "Authorization" in request.headers:
        raise GraphError(
            401, "InvalidAuthenticationToken", "A pre-authenticated address takes no token."
        )
    if datetime.now(UTC) > session.ends_at:
        raise GraphError(404, "ErrorItemNotFound", "The upload session has expired.")
    key = (session.app_id, session.mailbox.address)
    with graph.limits.request(key, len(request.body)), graph.lock:
        if request.method == "GET":
            return json_answer(_state(session))
        if request.method == "DELETE":
            del graph.sessions[session.path]
            return Answer(204)
        if request.method == "PUT":
            return _put(graph, session, request)
    raise GraphError(405, "Request_BadRequest", "Specified HTTP method is not allowed.")


def _put(graph: "GraphServer", session: Session, request: Request) -> Answer:
    _must_be_next(session, request)
    session.parts.append(request.body)
    session.received += len(request.body)
    if session.received < session.item["size"]:
        return json_answer(_state(session))
    del graph.sessions[session.path]
    if session.item["size"] * 4 / 3 > graph.max_message_bytes:
        raise size_exceeded()
    file = finished(session)
    place = session.path.rpartition("/")[0]
    location = f"https://localhost:{graph.port}{place}/Attachments('{file.id}')"
    return Answer(201, headers={"Location": location})


def _must_be_next(session: Session, request: Request) -> None:
    """400 for a range that does not fit its bytes, 413 for too many, 416 out of order."""
    match = CONTENT_RANGE.fullmatch(request.headers.get("Content-Range", ""))
    if match is None:
        raise bad_request("Content-Range is missing or malformed.", "ErrorInvalidRequest")
    if request.headers.get("Content-Type") != "application/octet-stream":
        raise bad_request("Content-Type must be application/octet-stream.")
    first, last, total = map(int, match.groups())
    if last - first + 1 != len(request.body) or total != session.item["size"] or last >= total:
        raise bad_request("Content-Range does not fit the bytes.", "ErrorInvalidRequest")
    if len(request.body) > RANGE_MOST:
        raise GraphError(413, "RequestEntityTooLarge", "A range has at most 4 MB.")
    if first != session.received:
        raise GraphError(
            416, "ErrorInvalidRange", f"The next expected range begins at {session.received}."
        )


def _state(session: Session) -> dict[str, object]:
    return {
        "ExpirationDateTime": f"{session.ends_at:%Y-%m-%dT%H:%M:%S.%f}0Z",
        "nextExpectedRanges": [str(session.received)],
    }


def size_exceeded() -> GraphError:
    return bad_request(
        "The message exceeds the maximum supported size.", "ErrorMessageSizeExceeded"
    )
