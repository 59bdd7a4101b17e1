"""Folders of a mailbox: by well-known name, by path of display names, by id."""

from http import HTTPStatus
from typing import Final

from ingest_graph.ports import Folder, FolderMissing
from postbus.contracts.base import JsonObject
from postbus.microsoft.client import GraphMailbox
from postbus.microsoft.errors import GraphRefused

_WELL_KNOWN: Final = frozenset(
    {
        "archive",
        "clutter",
        "conflicts",
        "conversationhistory",
        "deleteditems",
        "drafts",
        "inbox",
        "junkemail",
        "localfailures",
        "msgfolderroot",
        "outbox",
        "scheduled",
        "searchfolders",
        "sentitems",
        "serverfailures",
        "syncissues",
    }
)
"""Names that mean a folder in any language (Graph, "mailFolder resource type")."""
_SELECT: Final = "id,displayName,totalItemCount"
_MISSING: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST)
"""An id that is none of this mailbox is a malformed one to Graph."""


class GraphFolders:
    """What `Mailbox` says about folders."""

    def __init__(self, graph: GraphMailbox) -> None:
        self._graph = graph

    async def folder(self, name: str) -> Folder:
        found: JsonObject | None = None
        for part in _parts(name):
            found = await self._child(found, part)
            if found is None:
                raise FolderMissing(name)
        return _folder(found or {}, name)

    async def folder_of_id(self, id_: str) -> Folder:
        found = await self._get(id_)
        if found is None:
            raise FolderMissing(id_)
        return _folder(found, str(found.get("displayName", "")))

    async def make_folder(self, name: str) -> Folder:
        above: JsonObject | None = None
        for part in _parts(name):
            found = await self._child(above, part)
            if found is None:
                found = await self._graph.call("POST", _children(above), json={"displayName": part})
            above = found
        return _folder(above or {}, name)

    async def _child(self, above: JsonObject | None, name: str) -> JsonObject | None:
        if above is None and name.lower() in _WELL_KNOWN:
            return await self._get(name.lower())
        quoted = name.replace("'", "''")
        found = await self._graph.call(
            "GET",
            _children(above),
            params={"$filter": f"displayName eq '{quoted}'", "$select": _SELECT},
        )
        there = found.get("value") or []
        return there[0] if there else None

    async def _get(self, id_: str) -> JsonObject | None:
        try:
            return await self._graph.call("GET", f"mailFolders/{id_}", params={"$select": _SELECT})
        except GraphRefused as error:
            if error.status in _MISSING:
                return None
            raise


def _parts(name: str) -> list[str]:
    return [part for part in name.split("/") if part] or [name]


def _children(above: JsonObject | None) -> str:
    return "mailFolders" if above is None else f"mailFolders/{above['id']}/childFolders"


def _folder(found: JsonObject, name: str) -> Folder:
    return Folder(str(found["id"]), name, int(found.get("totalItemCount") or 0))
