"""The pages of messages: listing, delta, reading, marking, moving, deleting."""

from typing import Any
from urllib.parse import urlencode

from servers.graph.access import READ, WRITE
from servers.graph.calls import Call, Route
from servers.graph.composing import composed
from servers.graph.delta import DELTA_OPTIONS, PAGE_DEFAULT, PAGE_MOST
from servers.graph.drafts import change
from servers.graph.errors import GraphError, bad_request
from servers.graph.queries import Query
from servers.graph.shown import MESSAGE_PROPERTIES, properties_of, show_message
from servers.graph.store import Stored
from servers.graph.wire import Answer, json_answer

LIST = frozenset({"$select", "$filter", "$orderby", "$top", "$skip", "$count", "$expand"})
ONE = frozenset({"$select", "$expand"})
TOKENS = ("$deltatoken", "$skiptoken")
LIST_DEFAULT = 10


def list_all(call: Call) -> Answer:
    return _list(call, list(call.mailbox.messages.values()))


def list_folder(call: Call) -> Answer:
    return _list(call, list(call.mailbox.in_folder(call.folder)))


def count_folder(call: Call) -> Answer:
    query = call.query(frozenset({"$filter"}), MESSAGE_PROPERTIES)
    rows = map(properties_of, call.mailbox.in_folder(call.folder))
    count = sum(query.holds(row) for row in rows)
    return Answer(200, str(count).encode(), "text/plain")


def delta(call: Call) -> Answer:
    """One page of the changes of a folder."""
    options, deltas = call.request.options, call.graph.deltas
    page = min(call.prefer.page or PAGE_DEFAULT, PAGE_MOST)
    token = next((options[name] for name in TOKENS if name in options), None)
    if token is not None and len(options) > 1:
        raise bad_request("Query options are in the token; none may stand beside it.")
    if token is not None:
        part = deltas.follow(
            call.mailbox, call.folder, token, immutable=call.prefer.immutable, page=page
        )
    else:
        query = call.query(DELTA_OPTIONS, MESSAGE_PROPERTIES)
        part = deltas.begin(
            call.mailbox, call.folder, query, immutable=call.prefer.immutable, page=page
        )
    name = "$skiptoken" if part["word"] == "next" else "$deltatoken"
    link = call.link(urlencode({name: part["token"]}, safe="$"))
    return json_answer({"value": part["value"], f"@odata.{part['word']}Link": link})


def get_message(call: Call) -> Answer:
    query = call.query(ONE, MESSAGE_PROPERTIES)
    return json_answer(show_message(call.message, immutable=call.prefer.immutable, query=query))


def get_mime(call: Call) -> Answer:
    """The MIME of a message; ≈25 MB ones are reported to fail (graph-docs-contrib#1808)."""
    if call.request.options:
        raise bad_request("$value takes no query options.")
    message = call.message
    if message.no_mime:
        raise GraphError(
            500, "ErrorMimeContentConversionFailed", "The MIME content could not be made."
        )
    if message.draft is not None:
        sender = call.mailbox.address
        return Answer(200, composed(message, sender=sender, on_behalf=None, drops=set()))
    return Answer(200, message.mime, "text/plain")


def patch_message(call: Call) -> Answer:
    change(call.mailbox, call.message, call.json)
    return json_answer(show_message(call.message, immutable=call.prefer.immutable))


def delete_message(call: Call) -> Answer:
    call.mailbox.remove(call.message)
    return Answer(204)


def move_message(call: Call) -> Answer:
    message = call.message
    wanted = call.json.get("destinationId")
    if not isinstance(wanted, str) or set(call.json) != {"destinationId"}:
        raise bad_request("destinationId is required.", "ErrorInvalidRequest")
    call.mailbox.move(message, call.mailbox.folder(wanted))
    return json_answer(show_message(message, immutable=call.prefer.immutable), 201)


def page_of(call: Call, query: Query, rows: list[dict[str, Any]]) -> Answer:
    """One page of a list, with the link to the next one."""
    top = query.top or LIST_DEFAULT
    answer: dict[str, Any] = {"value": rows[query.skip : query.skip + top]}
    if query.count:
        answer["@odata.count"] = len(rows)
    if len(rows) > query.skip + top:
        options = {**call.request.options, "$skip": str(query.skip + top)}
        answer["@odata.nextLink"] = call.link(urlencode(options, safe="$,"))
    return json_answer(answer)


def _list(call: Call, messages: list[Stored]) -> Answer:
    query = call.query(LIST, MESSAGE_PROPERTIES)
    of_row = {id(row): message for message in messages if (row := properties_of(message))}
    kept = [row for message in messages if query.holds(row := properties_of(message))]
    # Newest first unless it is asked otherwise, as Outlook does.
    ordered = sorted(kept, key=lambda row: str(row["receivedDateTime"]), reverse=True)
    ordered = query.sorted(ordered)
    shown = [
        show_message(of_row[id(row)], immutable=call.prefer.immutable, query=query)
        for row in ordered[query.skip : query.skip + (query.top or LIST_DEFAULT)]
    ]
    padding: list[dict[str, Any]] = [{}]
    rows = padding * query.skip + shown + padding * (len(ordered) - query.skip - len(shown))
    return page_of(call, query, rows)


ROUTES = [
    Route("GET", "messages", READ, list_all),
    Route("GET", "mailFolders/{folder}/messages", READ, list_folder),
    Route("GET", "mailFolders/{folder}/messages/$count", READ, count_folder),
    Route("GET", "mailFolders/{folder}/messages/delta", READ, delta),
    Route("GET", "messages/{message}", READ, get_message),
    Route("PATCH", "messages/{message}", WRITE, patch_message),
    Route("DELETE", "messages/{message}", WRITE, delete_message),
    Route("GET", "messages/{message}/$value", READ, get_mime),
    Route("POST", "messages/{message}/move", WRITE, move_message),
    Route("GET", "mailFolders/{folder}/messages/{message}", READ, get_message),
    Route("PATCH", "mailFolders/{folder}/messages/{message}", WRITE, patch_message),
    Route("GET", "mailFolders/{folder}/messages/{message}/$value", READ, get_mime),
    Route("POST", "mailFolders/{folder}/messages/{message}/move", WRITE, move_message),
]
