"""From a request to its answer: who asks, which page, within which limits."""

import time
from typing import TYPE_CHECKING

from servers.graph import attachments, drafts, folders, messages, sending
from servers.graph.access import Caller, own_mailbox
from servers.graph.batch import serve_batch
from servers.graph.calls import Call, Route, find_route, preferences
from servers.graph.errors import GraphError, bad_request
from servers.graph.subscriptions import serve_subscriptions
from servers.graph.uploads import PREFIX, serve_upload
from servers.graph.wire import Answer, Request, json_answer

if TYPE_CHECKING:
    from servers.graph.server import GraphServer

VERSION = "v1.0"
MAILBOX_ROUTES: list[Route] = [
    *folders.ROUTES,
    *messages.ROUTES,
    *drafts.ROUTES,
    *attachments.ROUTES,
    *sending.ROUTES,
]


def answer_to(graph: "GraphServer", request: Request) -> Answer:
    """The answer to a request; what is refused is an answer too."""
    try:
        graph.faults.check(request.method, request.path)
        if (request.method, request.path) == ("POST", f"/{VERSION}/$batch"):
            return serve_batch(graph, request, lambda part: answer_to(graph, part))
        return _page(graph, request)
    except GraphError as error:
        return json_answer(error.body(), error.status, error.headers)


def _page(graph: "GraphServer", request: Request) -> Answer:
    if request.path.startswith(PREFIX):
        return serve_upload(graph, request)
    version, *segments = request.segments
    if version != VERSION or not segments:
        raise bad_request("Invalid version.")
    caller = graph.caller(request)
    if segments[0] == "subscriptions":
        return serve_subscriptions(graph, request, caller, segments)
    return _mailbox_page(graph, request, caller, segments)


def _mailbox_page(
    graph: "GraphServer", request: Request, caller: Caller, segments: list[str]
) -> Answer:
    """A page under `users/{address}` or `me`."""
    address, rest = _whose(caller, segments)
    prefer = preferences(request)
    route, parts = find_route(MAILBOX_ROUTES, request.method, rest)
    with graph.lock:
        graph.calls[f"{route.method} {route.pattern}"] += 1
        if not prefer.immutable:
            graph.calls_without_immutable_id.append(f"{request.method} {request.path}")
    box = graph.box(address)
    with graph.limits.request((caller.app_id, address), len(request.body)):
        time.sleep(graph.latency_seconds)
        graph.access.check(caller, address, route.permission)
        call = Call(graph, caller, box, request, prefer, parts)
        with graph.lock:
            answer = route.serve(call)
    for action in call.after:
        action()
    return answer


def _whose(caller: Caller, segments: list[str]) -> tuple[str, list[str]]:
    if segments[0] == "me":
        return own_mailbox(caller), segments[1:]
    if segments[0] == "users" and len(segments) > 2:
        return segments[1].lower(), segments[2:]
    raise bad_request(f"Resource not found for the segment '{segments[0]}'.")
