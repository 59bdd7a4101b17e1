"""What lies in the mailboxes: folders, messages, and what changed when."""

import base64
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from typing import Any

from servers.graph.errors import GraphError, item_not_found

WELL_KNOWN = {
    "inbox": "Inbox",
    "drafts": "Drafts",
    "sentitems": "Sent Items",
    "deleteditems": "Deleted Items",
    "junkemail": "Junk Email",
    "archive": "Archive",
    "outbox": "Outbox",
}
"""Folders that every mailbox has, by their well-known names (Graph: "mailFolder resource type")."""
ROOT = "msgfolderroot"


def opaque(kind: str, *parts: object) -> str:
    """An id as Graph's look: URL-safe base64 with its filling, and case matters."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return kind + base64.urlsafe_b64encode(digest + digest[:20]).decode()


@dataclass
class Attached:
    """A file of a message."""

    id: str
    name: str
    content_type: str
    content: bytes = field(repr=False)
    inline: bool = False
    content_id: str | None = None


@dataclass
class Stored:
    """A message in a mailbox: one that came or was sent has MIME, a draft has properties."""

    serial: int
    immutable_id: str
    regular_id: str
    folder_id: str
    received_at: datetime
    mime: bytes = field(default=b"", repr=False)
    draft: dict[str, Any] | None = field(default=None, repr=False)
    attachments: list[Attached] = field(default_factory=list)
    extended: dict[str, str] = field(default_factory=dict)
    read: bool = False
    no_mime: bool = False
    sent: dict[str, Any] | None = field(default=None, repr=False)
    """Of a message that was sent from here: what its draft held."""
    changes: int = 0
    set_properties: dict[str, Any] = field(default_factory=dict)
    """What was changed by PATCH, other than `isRead`."""
    shown: dict[str, Any] | None = field(default=None, repr=False)
    """Its properties as last put together."""


@dataclass
class Folder:
    """A folder and what happened in it: (sequence, serial, created | updated | removed)."""

    id: str
    display_name: str
    parent_id: str
    well_known: str | None = None
    hidden: bool = False
    changes: list[tuple[int, int, str]] = field(default_factory=list)


Listener = Callable[["Mailbox", Stored, str], None]


class Mailbox:
    """One mailbox. Its callers hold the lock of the server."""

    def __init__(self, address: str, names: dict[str, str], listener: Listener) -> None:
        self.address = address
        self.folders: dict[str, Folder] = {}
        self.messages: dict[int, Stored] = {}
        self.sequence = 0
        self.delta_generation = 0
        self._listener = listener
        self._serial = 0
        self._ids: dict[str, int] = {}
        self.left: dict[tuple[int, str], tuple[str, str]] = {}
        """(Serial, folder) → the ids that a message had when it left."""
        self.root = self._put_folder(ROOT, "Top of Information Store", "")
        for name, display_name in WELL_KNOWN.items():
            self._put_folder(name, names.get(name, display_name), self.root.id)

    def folder(self, name: str) -> Folder:
        """The folder of an id or a well-known name; 404 if there is none."""
        found = self.folders.get(name) or self._well_known(name.lower())
        if found is None:
            raise item_not_found()
        return found

    def at_path(self, path: str) -> Folder:
        """The folder at a well-known name, an id, or a path of display names."""
        if path in self.folders or self._well_known(path.lower()):
            return self.folder(path)
        at = self.root
        for name in path.split("/"):
            at = next(child for child in self.children(at) if child.display_name == name)
        return at

    def children(self, folder: Folder) -> list[Folder]:
        return [child for child in self.folders.values() if child.parent_id == folder.id]

    def make_folder(self, display_name: str, parent: Folder, *, hidden: bool = False) -> Folder:
        if any(child.display_name == display_name for child in self.children(parent)):
            raise GraphError(
                409, "ErrorFolderExists", "A folder with the specified name already exists."
            )
        made = self._put_folder(None, display_name, parent.id)
        made.hidden = hidden
        return made

    def drop_folder(self, folder: Folder) -> None:
        """Take a folder away with all that is in it."""
        for child in self.children(folder):
            self.drop_folder(child)
        for message in list(self.in_folder(folder)):
            self.remove(message)
        del self.folders[folder.id]

    def in_folder(self, folder: Folder) -> Iterator[Stored]:
        return (m for m in self.messages.values() if m.folder_id == folder.id)

    def message(self, message_id: str, *, immutable: bool) -> Stored:
        """The message of an id of the kind that was asked for; 404 for the other kind."""
        serial = self._ids.get(message_id)
        if serial is None:
            raise item_not_found()
        found = self.messages[serial]
        if (found.immutable_id if immutable else found.regular_id) != message_id:
            raise item_not_found()
        return found

    def put(self, folder: Folder, received_at: datetime | None = None, **parts: Any) -> Stored:
        """A new message in a folder."""
        self._serial += 1
        serial = self._serial
        message = Stored(
            serial,
            opaque("AAkALgAAAAAAHYQDEapm", self.address, serial),
            opaque("AAMkAGI2", self.address, serial, 0),
            folder.id,
            (received_at or datetime.now(UTC)).replace(microsecond=0),
            **parts,
        )
        self.messages[serial] = message
        self._ids |= {message.immutable_id: serial, message.regular_id: serial}
        self._changed(message, "created")
        return message

    def move(self, message: Stored, folder: Folder) -> None:
        """It gets another regular id; its immutable one stays."""
        self._note(message, "removed")
        del self._ids[message.regular_id]
        message.changes += 1
        message.regular_id = opaque("AAMkAGI2", self.address, message.serial, message.changes)
        self._ids[message.regular_id] = message.serial
        message.folder_id = folder.id
        message.shown = None
        self._changed(message, "created")

    def update(self, message: Stored) -> None:
        message.changes += 1
        message.shown = None
        self._changed(message, "updated")

    def remove(self, message: Stored) -> None:
        self._changed(message, "removed")
        del self.messages[message.serial]
        del self._ids[message.regular_id], self._ids[message.immutable_id]

    def hide(self, message: Stored) -> None:
        """Take a message out of its folder for a while."""
        self.remove(message)

    def show(self, message: Stored, folder: Folder) -> None:
        """Put a hidden message into a folder, under its immutable id."""
        message.changes += 1
        message.folder_id, message.shown = folder.id, None
        message.regular_id = opaque("AAMkAGI2", self.address, message.serial, message.changes)
        self.messages[message.serial] = message
        self._ids |= dict.fromkeys((message.immutable_id, message.regular_id), message.serial)
        self._changed(message, "created")

    def _changed(self, message: Stored, kind: str) -> None:
        self._note(message, kind)
        self._listener(self, message, kind)

    def _note(self, message: Stored, kind: str) -> None:
        self.sequence += 1
        if kind == "removed":
            ids = (message.immutable_id, message.regular_id)
            self.left[message.serial, message.folder_id] = ids
        self.folders[message.folder_id].changes.append((self.sequence, message.serial, kind))

    def _well_known(self, name: str) -> Folder | None:
        return next((f for f in self.folders.values() if f.well_known == name), None)

    def _put_folder(self, well_known: str | None, display_name: str, parent_id: str) -> Folder:
        folder_id = opaque("AAMkAGF1", self.address, well_known or f"made{len(self.folders)}")
        while folder_id in self.folders:
            folder_id = opaque("AAMkAGF1", folder_id)
        made = self.folders[folder_id] = Folder(folder_id, display_name, parent_id, well_known)
        return made


def parsed(mime: bytes) -> Any:
    """A mail as an `EmailMessage`."""
    return message_from_bytes(mime, policy=default)
