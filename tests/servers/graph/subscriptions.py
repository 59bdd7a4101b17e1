"""Subscriptions to changes in a mailbox ("subscription resource type", "Create subscription")."""

import re
import secrets
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from servers.graph.access import READ, Caller, own_mailbox
from servers.graph.calls import json_of, preferences
from servers.graph.errors import GraphError, bad_request
from servers.graph.queries import time_of
from servers.graph.shown import time_text
from servers.graph.wire import Answer, Request, json_answer

if TYPE_CHECKING:
    from servers.graph.server import GraphServer

KNOWN = frozenset(
    {
        "changeType", "notificationUrl", "lifecycleNotificationUrl", "resource",
        "expirationDateTime", "clientState", "latestSupportedTlsVersion",
    }
)  # fmt: skip
NEEDED = ("changeType", "notificationUrl", "resource", "expirationDateTime")
CHANGEABLE = frozenset({"expirationDateTime", "notificationUrl"})
"""The URL of lifecycle notices only as it is made ("change-notifications-lifecycle-events")."""
LIFE_MOST = timedelta(minutes=10_080)
LIFE_LEAST = timedelta(minutes=45)
"""Shorter ones are raised to it ("subscription resource type")."""
VALIDATION_SECONDS = 10.0
STATE_MOST = 128
RESOURCE = re.compile(
    r"/?(?:me|users/(?P<box>[^/]+))(?:/mailFolders(?:\('(?P<key>[^']+)'\)|/(?P<folder>[^/]+)))?"
    r"/messages",
    re.IGNORECASE,
)


@dataclass
class Subscription:
    """Who wants to hear of what."""

    id: str
    app_id: str
    tenant_id: str
    mailbox: str
    folder_id: str | None
    """None: every folder."""
    immutable: bool
    resource: str
    change_types: frozenset[str]
    notification_url: str
    lifecycle_url: str | None
    client_state: str | None
    expires_at: datetime
    paused: bool = False
    """No notices until it is authorized anew."""

    def shown(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "resource": self.resource,
            "applicationId": self.app_id,
            "changeType": ",".join(sorted(self.change_types)),
            "clientState": None,  # told by notices only
            "notificationUrl": self.notification_url,
            "lifecycleNotificationUrl": self.lifecycle_url,
            "expirationDateTime": time_text(self.expires_at),
            "latestSupportedTlsVersion": "v1_2",
        }


def serve_subscriptions(
    graph: "GraphServer", request: Request, caller: Caller, segments: list[str]
) -> Answer:
    """The pages under `subscriptions`."""
    page = "/".join(["subscriptions", "{id}", *segments[2:]][: len(segments)])
    graph.calls[f"{request.method} {page}"] += 1
    prefer = preferences(request)
    match request.method, segments:
        case "POST", [_]:
            return _create(graph, request, caller, immutable=prefer.immutable)
        case "GET", [_]:
            mine = [s.shown() for s in graph.live_subscriptions() if s.app_id == caller.app_id]
            return json_answer({"value": mine})
        case method, [_, subscription_id]:
            return _one(graph, request, _of(graph, caller, subscription_id), caller, method)
        case "POST", [_, subscription_id, "reauthorize"]:
            known = _of(graph, caller, subscription_id)
            graph.access.check(caller, known.mailbox, READ)
            known.paused = False
            return Answer(204)
    raise bad_request(f"Resource not found for the segment '{segments[-1]}'.")


def _one(
    graph: "GraphServer", request: Request, known: Subscription, caller: Caller, method: str
) -> Answer:
    if method == "DELETE":
        with graph.lock:
            del graph.subscriptions[known.id]
        return Answer(204)
    if method == "GET":
        return json_answer(known.shown())
    if method != "PATCH":
        raise GraphError(405, "Request_BadRequest", "Specified HTTP method is not allowed.")
    body = json_of(request)
    if not body or not set(body) <= CHANGEABLE:
        raise bad_request("Only expirationDateTime and notificationUrl may be changed.")
    graph.access.check(caller, known.mailbox, READ)
    if "notificationUrl" in body:
        _must_answer(graph, body["notificationUrl"])
        known.notification_url = body["notificationUrl"]
    if "expirationDateTime" in body:
        known.expires_at = _expiry(body["expirationDateTime"])
    known.paused = False
    return json_answer(known.shown())


def _create(graph: "GraphServer", request: Request, caller: Caller, *, immutable: bool) -> Answer:
    body = json_of(request)
    if not immutable:
        graph.calls_without_immutable_id.append("POST subscriptions")
    _must_be_whole(body)
    mailbox, folder_id = _resource(graph, caller, body["resource"])
    graph.access.check(caller, mailbox, READ)
    expires_at = _expiry(body["expirationDateTime"])
    lifecycle = body.get("lifecycleNotificationUrl")
    for url in dict.fromkeys(filter(None, (body["notificationUrl"], lifecycle))):
        _must_answer(graph, url)
    made = Subscription(
        id=str(uuid.uuid4()),
        app_id=caller.app_id,
        tenant_id=caller.tenant_id,
        mailbox=mailbox,
        folder_id=folder_id,
        immutable=immutable,
        resource=body["resource"],
        change_types=frozenset(body["changeType"].split(",")),
        notification_url=body["notificationUrl"],
        lifecycle_url=lifecycle,
        client_state=body.get("clientState"),
        expires_at=expires_at,
    )
    with graph.lock:
        graph.subscriptions[made.id] = made
    return json_answer({**made.shown(), "clientState": made.client_state}, 201)


def _must_be_whole(body: dict[str, Any]) -> None:
    for name in NEEDED:
        if not isinstance(body.get(name), str) or not body[name]:
            raise bad_request(f"{name} is required.", "InvalidRequest")
    if not set(body) <= KNOWN:
        raise bad_request("The request has properties that a subscription has not.")
    if not set(body["changeType"].split(",")) <= {"created", "updated", "deleted"}:
        raise bad_request("changeType is not supported.", "InvalidRequest")
    if len(body.get("clientState") or "") > STATE_MOST:
        raise bad_request("clientState is longer than 128 characters.", "InvalidRequest")


def _resource(graph: "GraphServer", caller: Caller, resource: str) -> tuple[str, str | None]:
    match = RESOURCE.fullmatch(resource)
    if match is None:
        raise bad_request(f"Resource '{resource}' is not supported.", "InvalidRequest")
    address = (match["box"] or "").lower() or own_mailbox(caller)
    box = graph.box(address)
    name = match["key"] or match["folder"]
    with graph.lock:
        return address, box.folder(name).id if name else None


def _expiry(text: str) -> datetime:
    try:
        at = time_of(text)
    except (TypeError, ValueError):
        raise bad_request("expirationDateTime is no time.", "InvalidRequest") from None
    now = datetime.now(UTC)
    if at <= now or at > now + LIFE_MOST:
        raise bad_request(
            "Subscription expiration can only be 10080 minutes in the future.",
            "ExtensionError" if at > now else "InvalidRequest",
        )
    return max(at, now + LIFE_LEAST)


def _must_answer(graph: "GraphServer", url: str) -> None:
    """The handshake: the token comes back as plain text, within ten seconds."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (graph.allow_http and parts.scheme == "http"):
        raise bad_request("Notification endpoint must be HTTPS.", "InvalidRequest")
    token = f"Validation: Testing client application reachability {secrets.token_hex(8)} & +%"
    try:
        answer = graph.notices.client.post(
            httpx.URL(url).copy_merge_params({"validationToken": token}),
            headers={"Content-Type": "text/plain; charset=utf-8"},
            timeout=VALIDATION_SECONDS,
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _invalid(f"The request failed: {type(error).__name__}.") from error
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    if answer.status_code != 200 or kind != "text/plain" or answer.text != token:
        raise _invalid("Notification endpoint must respond with 200 OK to validation request.")


def _invalid(why: str) -> GraphError:
    return bad_request(f"Subscription validation request failed. {why}", "InvalidRequest")


def _of(graph: "GraphServer", caller: Caller, subscription_id: str) -> Subscription:
    found = next((s for s in graph.live_subscriptions() if s.id == subscription_id), None)
    if found is None or found.app_id != caller.app_id:
        raise GraphError(404, "ResourceNotFound", "The object was not found.")
    return found
