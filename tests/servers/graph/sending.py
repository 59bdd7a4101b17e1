"""Sending: a draft, or JSON or MIME at once ("message: send", "user: sendMail")."""

import base64
import binascii
import threading
import uuid
from dataclasses import dataclass, field
from email.utils import getaddresses
from typing import Any

from servers.graph.access import SEND
from servers.graph.calls import Call, Route
from servers.graph.composing import address_of, composed, recipients
from servers.graph.drafts import make_draft, must_fit
from servers.graph.errors import GraphError, bad_request
from servers.graph.store import Mailbox, Stored, parsed
from servers.graph.uploads import size_exceeded
from servers.graph.wire import Answer

REMOVED = ("Auto-Submitted", "Return-Path", "Bcc")
"""Reported to be taken out of MIME (msgraph-sdk-dotnet#2209, gitlab#458814)."""
ONE_PERSON = ("from", "sender")


@dataclass(frozen=True)
class Sent:
    """A mail that Exchange took for delivery."""

    mailbox: str
    sender: str
    recipients: tuple[str, ...]
    mime: bytes = field(repr=False)


def send_draft(call: Call) -> Answer:
    """202: accepted, not delivered. The message keeps its immutable id in Sent Items."""
    message = call.message
    if message.draft is None:
        raise bad_request("The message was sent already.", "ErrorInvalidOperation")
    if call.request.body:
        raise bad_request("send takes no body.", "RequestBodyRead")
    _submit(call, message, save=True)
    return Answer(202)


def send_mail(call: Call) -> Answer:
    must_fit(call.request)
    if call.request.headers.get("Content-Type", "").startswith("text/plain"):
        return _send_mime(call)
    body = call.json
    if not set(body) <= {"message", "saveToSentItems", "Message", "SaveToSentItems"}:
        raise bad_request("sendMail takes message and saveToSentItems.", "RequestBodyRead")
    save = body.get("saveToSentItems", body.get("SaveToSentItems", True))
    if not isinstance(save, bool):
        raise bad_request("saveToSentItems is true or false.", "RequestBodyRead")
    message = make_draft(
        call, body.get("message", body.get("Message")), call.mailbox.folder("outbox")
    )
    try:
        _submit(call, message, save=save)
    except GraphError:
        call.mailbox.remove(message)
        raise
    return Answer(202)


def _submit(call: Call, message: Stored, *, save: bool) -> None:
    graph, mailbox, draft = call.graph, call.mailbox, message.draft or {}
    to = recipients(draft)
    if not to:
        raise bad_request("At least one recipient is needed.", "ErrorInvalidRecipients")
    sender = address_of(draft.get("from"), mailbox.address)
    _must_be_allowed(call, sender)
    if graph.rewrites_on_send:
        draft["internetMessageId"] = f"<{uuid.uuid4()}@rewritten.example>"
    behalf = call.graph.access.acts_on_behalf(call.caller, mailbox.address, sender)
    mime = composed(message, sender=sender, on_behalf=behalf, drops=graph.drops_headers)
    if len(mime) > graph.max_message_bytes:
        raise size_exceeded()
    message.mime, message.draft, message.read = mime, None, True
    message.sent = draft
    _keep(call, mailbox, message, save=save)
    _deliver(call, Sent(mailbox.address, sender, tuple(to), mime))


def _keep(call: Call, mailbox: Mailbox, message: Stored, *, save: bool) -> None:
    graph = call.graph
    if not save:
        mailbox.remove(message)
    elif graph.sent_items_delay_seconds:
        # "The copy of the message is not created until the message successfully sends"
        # (outlook-immutable-id).
        mailbox.hide(message)

        def appear() -> None:
            with graph.lock:
                mailbox.show(message, mailbox.folder("sentitems"))

        timer = threading.Timer(graph.sent_items_delay_seconds, appear)
        timer.daemon = True
        timer.start()
    else:
        mailbox.move(message, mailbox.folder("sentitems"))


def _send_mime(call: Call) -> Answer:
    """MIME in base64. From is that of the mailbox; a copy is always kept."""
    try:
        mail = parsed(base64.b64decode(call.request.body, validate=True))
    except (binascii.Error, ValueError):
        raise bad_request(
            "Invalid base64 string for MIME content.", "ErrorMimeContentInvalidBase64String"
        ) from None
    people = [str(v) for name in ("To", "Cc", "Bcc") for v in mail.get_all(name, [])]
    to = tuple(address.lower() for _, address in getaddresses(people) if address)
    if not to:
        raise bad_request("At least one recipient is needed.", "ErrorInvalidRecipients")
    for name in REMOVED:
        del mail[name]
    _replace(mail, "From", call.mailbox.address)
    if call.graph.rewrites_message_ids or "Message-ID" not in mail:
        _replace(mail, "Message-ID", f"<{uuid.uuid4()}@rewritten.example>")
    mime = mail.as_bytes()
    if len(mime) > call.graph.max_message_bytes:
        raise size_exceeded()
    call.mailbox.put(call.mailbox.folder("sentitems"), mime=mime, read=True)
    _deliver(call, Sent(call.mailbox.address, call.mailbox.address, to, mime))
    return Answer(202)


def _replace(mail: Any, name: str, value: str) -> None:
    del mail[name]
    mail[name] = value


def _must_be_allowed(call: Call, sender: str) -> None:
    if not call.graph.access.may_send_as(call.caller, call.mailbox.address, sender):
        raise GraphError(
            403,
            "ErrorSendAsDenied",
            "The user account which was used to submit this request does not have the right to "
            "send mail on behalf of the specified sending account. Cannot submit message.",
        )


def _deliver(call: Call, sent: Sent) -> None:
    graph = call.graph
    graph.outbox.append(sent)
    hand_over = graph.hand_over
    if hand_over is not None:
        call.after.append(lambda: hand_over(sent))


ROUTES = [
    Route("POST", "sendMail", SEND, send_mail),
    Route("POST", "messages/{message}/send", SEND, send_draft),
]
