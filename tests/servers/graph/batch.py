"""Many requests in one (Graph: "Combine multiple HTTP requests using JSON batching").

Each part is a request of its own: with its own status, its own place among the four, its own
headers. Parts for one mailbox run four at a time ("throttling": "Outlook … up to four").
"""

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.message import Message
from http.client import HTTPMessage
from typing import TYPE_CHECKING, Any

from servers.graph.calls import json_of
from servers.graph.errors import bad_request
from servers.graph.wire import Answer, Request, json_answer

if TYPE_CHECKING:
    from servers.graph.server import GraphServer

PARTS_MOST = 20
AT_ONCE = 4
KEYS = frozenset({"id", "method", "url", "headers", "body"})
"""`dependsOn` is not known here: nothing of ours needs an order."""


def serve_batch(
    graph: "GraphServer", request: Request, answer_to: Callable[[Request], Answer]
) -> Answer:
    """200 with the answers of the parts; 400 for a batch that is none."""
    graph.caller(request)
    body = json_of(request)
    parts = body.get("requests")
    if not isinstance(parts, list) or set(body) != {"requests"} or not parts:
        raise bad_request("Invalid batch payload format.")
    if len(parts) > PARTS_MOST:
        raise bad_request(
            f"Number of batch request steps exceeds the maximum of {PARTS_MOST}.",
            "MaximumValueExceeded",
        )
    requests = [_request(part, request) for part in parts]
    if len({str(part["id"]).lower() for part in parts}) != len(parts):
        raise bad_request("Request ids have to be unique in a batch.")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(answer_to, requests))
    shown = [_shown(part, answer) for part, answer in zip(parts, answers, strict=True)]
    graph.batches.append(len(parts))
    return json_answer({"responses": list(reversed(shown))})  # in any order, says the page


def _request(part: Any, outer: Request) -> Request:
    if not isinstance(part, dict) or not set(part) <= KEYS or "id" not in part:
        raise bad_request("A request of a batch has id, method, url, headers and body.")
    url = part.get("url")
    if not isinstance(url, str) or "://" in url or not isinstance(part.get("method"), str):
        raise bad_request("A request of a batch has a method and a relative url.")
    headers = HTTPMessage()
    headers["Authorization"] = outer.headers["Authorization"]
    for name, value in part.get("headers", {}).items():
        headers[name] = value
    if "body" in part and "Content-Type" not in headers:
        raise bad_request("A request with a body needs the header Content-Type.")
    path, _, query = url.lstrip("/").partition("?")
    return Request(part["method"], f"/v1.0/{path}", query, headers, _bytes(part, headers))


def _bytes(part: dict[str, Any], headers: Message) -> bytes:
    if "body" not in part:
        return b""
    if headers["Content-Type"].startswith("application/json"):
        return json.dumps(part["body"]).encode()
    return str(part["body"]).encode()


def _shown(part: dict[str, Any], answer: Answer) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": part["id"],
        "status": answer.status,
        "headers": {**answer.headers, "Content-Type": answer.content_type},
    }
    if answer.body and answer.content_type == "application/json":
        shown["body"] = json.loads(answer.body)
    elif answer.body:
        shown["body"] = base64.b64encode(answer.body).decode()
    return shown
