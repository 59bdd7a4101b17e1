"""One folder over one connection. Commands run in a few threads; waiting takes none.

While nothing happens the event loop watches the socket, so that a thousand mailboxes in IDLE cost
as many sockets and no threads.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from ingest_imap.adapters.imap_connections import end
from ingest_imap.adapters.imap_errors import session_errors
from ingest_imap.domain.dating import Brief
from ingest_imap.ports import FolderInfo, FolderMissing, NotGiven, Opened
from postbus.connecting.imap import ImapClient
from postbus.mail.uid_sets import UidSet

_DATE_KEY = b"BODY[HEADER.FIELDS (DATE)]"
_ID_KEY = b"BODY[HEADER.FIELDS (MESSAGE-ID)]"
_SPECIAL = ("sent", "all", "archive", "drafts", "junk", "trash", "flagged", "important")
_SENT_NAMES = re.compile(
    r"^(INBOX[./])?(Sent|Sent Items|Sent Messages|Sent Mail|Gesendet|Gesendete Elemente|"
    r"Verzonden|Verzonden items|Éléments envoyés|Envoyés|Enviados|Posta inviata)$",
    re.IGNORECASE,
)

Result = TypeVar("Result")


class ImapSession:
    """The port `Session`."""

    def __init__(self, client: ImapClient, threads: ThreadPoolExecutor) -> None:
        self._client = client
        self._threads = threads
        self._idling = False
        self._can_idle = client.has_capability("IDLE")
        self._has_gmail_ids = client.has_capability("X-GM-EXT-1")
        self._can_tell_changes = client.has_capability("CONDSTORE") and client.has_capability(
            "ENABLE"
        )
        self._can_move = client.has_capability("MOVE")
        self._can_uid_expunge = client.has_capability("UIDPLUS")

    @property
    def can_push(self) -> bool:
        """Whether the server tells of new mail by itself (RFC 2177)."""
        return bool(self._can_idle)

    async def open(self, folder: str, *, read_only: bool) -> Opened:
        def select() -> dict[bytes, Any]:
            if self._can_tell_changes:
                self._client.enable("CONDSTORE")
                self._can_tell_changes = False
            return _selected(self._client, folder, read_only)

        found = await self._run(select)
        return _opened(found, exists=int(found.get(b"EXISTS", 0)))

    async def search(self, *, above: int = 0) -> UidSet:
        criteria = ["UID", f"{above + 1}:*"] if above else "ALL"

        def look() -> list[int]:
            self._client.forget_news()
            return list(self._client.search(criteria))

        found = await self._run(look)
        # `n:*` is the last mail even if its UID is below n (RFC 9051 §9, seq-range).
        return UidSet.of(uid for uid in found if uid > above)

    async def briefs(self, uids: UidSet) -> Sequence[Brief]:
        items = ["RFC822.SIZE", "INTERNALDATE", "BODY.PEEK[HEADER.FIELDS (DATE)]"]
        if self._has_gmail_ids:
            items.append("X-GM-MSGID")
        found = await self._run(lambda: self._client.fetch(list(uids), items))
        return [
            _brief(uid, given) for uid, given in sorted(found.items()) if b"RFC822.SIZE" in given
        ]

    async def fetch(self, uids: UidSet) -> dict[int, bytes]:
        found = await self._run(lambda: self._client.fetch(list(uids), ["BODY.PEEK[]"]))
        return {uid: given[b"BODY[]"] for uid, given in found.items() if given.get(b"BODY[]")}

    async def head(self, uid: int) -> bytes:
        try:
            found = await self._run(lambda: self._client.fetch([uid], ["BODY.PEEK[HEADER]"]))
        except NotGiven:
            return b""
        return found.get(uid, {}).get(b"BODY[HEADER]") or b""

    async def mark_seen(self, uids: UidSet) -> None:
        await self._run(lambda: self._client.add_flags(list(uids), [b"\\Seen"], silent=True))

    async def move(self, uids: UidSet, folder: str) -> None:
        await self._run(lambda: self._move(list(uids), folder))

    async def make_folder(self, folder: str) -> None:
        await self._run(lambda: self._make_folder(folder))

    def _make_folder(self, folder: str) -> None:
        if not self._client.folder_exists(folder):
            self._client.create_folder(folder)

    def _move(self, uids: list[int], folder: str) -> None:
        self._make_folder(folder)
        if self._can_move:
            self._client.move(uids, folder)
            return
        self._client.copy(uids, folder)
        self._client.add_flags(uids, [b"\\Deleted"], silent=True)
        if self._can_uid_expunge:
            self._client.uid_expunge(uids)
        # Without UIDPLUS an EXPUNGE would take what others marked as well: the mark must do.

    async def wait(self, seconds: float) -> bool:
        if not self._can_idle:
            await asyncio.sleep(seconds)
            await self._run(self._client.noop)
            return True
        await self._run(self._begin_idle)
        try:
            return await self._news(seconds)
        finally:
            await self._run(self._end_idle)

    async def _news(self, seconds: float) -> bool:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        lines, early = await self._run(self._client.idle_news)
        while not early and not any(_is_news(line) for line in lines):
            left = deadline - loop.time()
            if left <= 0 or not await _readable(self._client.socket().fileno(), left):
                return False
            lines, early = await self._run(self._client.idle_news)
            if not lines:
                # Readable and nothing to read: its end, which `_end_idle` meets, or a bit of TLS.
                return True
        return True

    def _begin_idle(self) -> None:
        self._client.idle()
        self._idling = True

    def _end_idle(self) -> None:
        if self._idling:
            self._idling = False
            self._client.idle_done()

    async def folders(self) -> Sequence[FolderInfo]:
        found = await self._run(self._client.list_folders)
        return [_folder_info(flags, name) for flags, _, name in found]

    async def described(self, folder: str) -> Opened:
        items = ["UIDVALIDITY", "UIDNEXT", "MESSAGES"]
        try:
            found = await self._run(lambda: self._client.folder_status(folder, items))
        except NotGiven as error:
            raise FolderMissing(folder) from error
        return _opened(found, exists=int(found.get(b"MESSAGES", 0)))

    async def message_ids(self, folder: str, uid: int) -> str | None:
        def look() -> dict[int, dict[bytes, Any]]:
            _selected(self._client, folder, read_only=True)
            return dict(self._client.fetch([uid], ["BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"]))

        found = await self._run(look)
        value = found.get(uid, {}).get(_ID_KEY) or b""
        return value.partition(b":")[2].decode("latin-1").strip().strip("<>") or None

    async def sent_folder(self, named: str | None) -> str:
        """The folder of sent mail: the named one, else the one marked so, else by its usual name.

        FolderMissing.
        """
        folders = await self.folders()
        if named is not None:
            wanted = [one.name for one in folders if one.name == named]
        else:
            marked = [one.name for one in folders if one.special == "sent"]
            wanted = marked or [one.name for one in folders if _SENT_NAMES.match(one.name)]
        if not wanted:
            raise FolderMissing(named or "Sent")
        return wanted[0]

    async def has_message(self, folder: str, message_id: str) -> bool:
        """Whether a folder has a mail of that Message-ID."""
        return bool(await self._run(lambda: self._with_id(folder, message_id)))

    async def head_of(self, folder: str, message_id: str) -> bytes | None:
        """The header of the newest mail of that Message-ID, without marking it as read."""

        def look() -> bytes | None:
            found = self._with_id(folder, message_id)
            if not found:
                return None
            answer = self._client.fetch(found[-1:], [b"BODY.PEEK[HEADER]"])
            return next((one.get(b"BODY[HEADER]") for one in answer.values()), None)

        return await self._run(look)

    def _with_id(self, folder: str, message_id: str) -> list[int]:
        _selected(self._client, folder, read_only=True)
        if self._has_gmail_ids:
            return list(self._client.gmail_search(f"rfc822msgid:{message_id}"))
        return list(self._client.search(["HEADER", "Message-ID", message_id]))

    async def append(self, folder: str, mail: bytes, sent_at: datetime) -> None:
        """Put a mail into a folder, marked as read (RFC 9051 §6.3.12)."""
        await self._run(lambda: self._client.append(folder, mail, (b"\\Seen",), sent_at))

    async def close(self) -> None:
        loop = asyncio.get_running_loop()
        with suppress(RuntimeError):
            loop.remove_reader(self._client.socket().fileno())
        with suppress(RuntimeError):  # the threads may have ended before us
            await loop.run_in_executor(self._threads, end, self._client)

    async def _run(self, work: Callable[[], Result]) -> Result:
        def guarded() -> Result:
            with session_errors():
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._threads, guarded)


def _selected(client: ImapClient, folder: str, read_only: bool) -> dict[bytes, Any]:  # noqa: FBT001 - RFC 9051's EXAMINE
    try:
        return dict(client.select_folder(folder, readonly=read_only))
    except client.AbortError:
        raise
    except client.ReadOnlyError as error:
        raise FolderMissing(f"{folder} (it can only be read)") from error
    except client.Error as error:
        if client.folder_exists(folder):
            raise
        raise FolderMissing(folder) from error


def _opened(found: dict[bytes, Any], *, exists: int) -> Opened:
    uidnext = found.get(b"UIDNEXT")
    modseq = found.get(b"HIGHESTMODSEQ")
    return Opened(
        _number(found[b"UIDVALIDITY"]),
        _number(uidnext) if uidnext else None,
        exists,
        _number(modseq) if modseq else None,
    )


def _number(value: Any) -> int:
    return int(value[0]) if isinstance(value, (list, tuple)) else int(value)


def _brief(uid: int, given: dict[bytes, Any]) -> Brief:
    arrived = given.get(b"INTERNALDATE")
    if not isinstance(arrived, datetime):
        arrived = datetime.now(UTC)
    elif arrived.tzinfo is None:
        arrived = arrived.astimezone()  # imapclient gives local time
    gmail = given.get(b"X-GM-MSGID")
    return Brief(
        uid,
        int(given[b"RFC822.SIZE"]),
        arrived.astimezone(UTC),
        _date_in(given.get(_DATE_KEY) or b""),
        str(gmail) if gmail is not None else None,
    )


def _date_in(header: bytes) -> datetime | None:
    try:
        found = parsedate_to_datetime(header.partition(b":")[2].decode("latin-1").strip())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _folder_info(flags: Sequence[Any], name: Any) -> FolderInfo:
    words = {flag.decode("latin-1").lstrip("\\").lower() for flag in flags if type(flag) is bytes}
    special = next((one for one in _SPECIAL if one in words), None)
    selectable = not words & {"noselect", "nonexistent"}
    return FolderInfo(str(name), selectable, special)


def _is_news(line: bytes) -> bool:
    """Whether there may be new mail; a BYE shows when IDLE is ended."""
    words = line.upper().split()
    return words[:2] == [b"*", b"BYE"] or (len(words) == 3 and words[2] in (b"EXISTS", b"RECENT"))


async def _readable(descriptor: int, seconds: float) -> bool:
    """Whether the socket has something to read within the time."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        async with asyncio.timeout(seconds):
            await ready.wait()
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(descriptor)
    return True
