"""The pages of folders ("List mailFolders", "List childFolders", "Create mailFolder")."""

from servers.graph.access import READ, WRITE
from servers.graph.calls import Call, Route
from servers.graph.errors import bad_request
from servers.graph.messages import page_of
from servers.graph.shown import FOLDER_PROPERTIES, show_folder
from servers.graph.store import ROOT, Folder
from servers.graph.wire import Answer, json_answer

LIST = frozenset({"$select", "$filter", "$top", "$skip", "$count", "includeHiddenFolders"})


def list_top(call: Call) -> Answer:
    return _list(call, call.mailbox.root)


def list_children(call: Call) -> Answer:
    return _list(call, call.folder)


def get_folder(call: Call) -> Answer:
    query = call.query(frozenset({"$select"}), FOLDER_PROPERTIES)
    return json_answer(show_folder(call.mailbox, call.folder, query))


def create_top(call: Call) -> Answer:
    return _create(call, call.mailbox.root)


def create_child(call: Call) -> Answer:
    return _create(call, call.folder)


def delete_folder(call: Call) -> Answer:
    folder = call.folder
    if folder.well_known is not None:
        raise bad_request(
            "Distinguished folders cannot be deleted.", "ErrorDeleteDistinguishedFolder"
        )
    call.mailbox.drop_folder(folder)
    return Answer(204)


def _list(call: Call, parent: Folder) -> Answer:
    query = call.query(LIST, FOLDER_PROPERTIES)
    hidden = query.other.get("includeHiddenFolders") == "true"
    rows = [
        show_folder(call.mailbox, child)
        for child in call.mailbox.children(parent)
        if child.well_known != ROOT and (hidden or not child.hidden)
    ]
    kept = [row for row in rows if query.holds(row)]
    chosen = [
        {k: v for k, v in row.items() if not query.select or k in {"id", *query.select}}
        for row in kept
    ]
    return page_of(call, query, chosen)


def _create(call: Call, parent: Folder) -> Answer:
    name = call.json.get("displayName")
    if not isinstance(name, str) or not name or "/" in name:
        raise bad_request("The folder needs a displayName.", "ErrorInvalidRequest")
    hidden = call.json.get("isHidden") is True
    made = call.mailbox.make_folder(name, parent, hidden=hidden)
    return json_answer(show_folder(call.mailbox, made), 201)


ROUTES = [
    Route("GET", "mailFolders", READ, list_top),
    Route("POST", "mailFolders", WRITE, create_top),
    Route("GET", "mailFolders/{folder}", READ, get_folder),
    Route("DELETE", "mailFolders/{folder}", WRITE, delete_folder),
    Route("GET", "mailFolders/{folder}/childFolders", READ, list_children),
    Route("POST", "mailFolders/{folder}/childFolders", WRITE, create_child),
]
