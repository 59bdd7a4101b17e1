"""winmail.dat: what Outlook packs a mail into for its own kind (MS-OXTNEF), taken apart.

A stream of attributes, level and id and bytes and checksum; two of them hold MAPI properties. What
is cut off or nonsense ends the reading: what was found until then is given back.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import compressed_rtf

from postbus.mail.charsets import Note, decode
from postbus.mail.file_names import safe_name
from postbus.mail.mapi import Properties, read_properties

SIGNATURE: Final = b"\x78\x9f\x3e\x22"
CONTENT_TYPES: Final = frozenset(("application/ms-tnef", "application/vnd.ms-tnef"))
_HEAD_BYTES: Final = 6
_MAX_FILES: Final = 1000
_MAX_RTF_BYTES: Final = 16 * 1024 * 1024

# MS-OXTNEF 2.1.3.3: attribute ids, as the low word of what stands in the stream
_BODY: Final = 0x800C
_ATTACH_DATA: Final = 0x800F
_ATTACH_TITLE: Final = 0x8010
_ATTACH_RENDERING: Final = 0x9002
_MESSAGE_PROPERTIES: Final = 0x9003
_ATTACH_PROPERTIES: Final = 0x9005
_CODE_PAGE: Final = 0x9007

# MS-OXPROPS: property ids
_PLAIN_BODY: Final = 0x1000
_RTF_BODY: Final = 0x1009
_HTML_BODY: Final = 0x1013
_ATTACH_OBJECT: Final = 0x3701
_FILE_NAME: Final = 0x3704
_LONG_FILE_NAME: Final = 0x3707
_DISPLAY_NAME: Final = 0x3001
_CONTENT_TYPE: Final = 0x370E
_CONTENT_ID: Final = 0x3712
_EMBEDDED_MESSAGE: Final = bytes.fromhex("0703020000000000c000000000000046")
_INTERFACE_BYTES: Final = 16


@dataclass
class PackedFile:
    """A file in a winmail.dat."""

    name: str = ""
    data: bytes = b""
    content_type: str = ""
    content_id: str | None = None


@dataclass
class Unpacked:
    """What was in a winmail.dat; the bodies are empty where it had none."""

    files: list[PackedFile] = field(default_factory=list)
    text: str = ""
    html: str = ""
    html_bytes: bytes = b""
    rtf: bytes = b""


def unpack(data: bytes, note: Note) -> Unpacked | None:
    """The files and bodies in a winmail.dat; None if it is none."""
    if not data.startswith(SIGNATURE):
        return None
    reader = _Reader(note)
    for name, value in _attributes(data, note):
        reader.take(name, value)
        if len(reader.found.files) >= _MAX_FILES:
            note("too-many-parts")
            break
    return reader.found


def _attributes(data: bytes, note: Note) -> Iterator[tuple[int, bytes]]:
    """Attribute ids and values in their order (MS-OXTNEF 2.1.3)."""
    at = _HEAD_BYTES
    while at + 9 <= len(data):
        level, name, length = struct.unpack_from("<BII", data, at)
        begins, ends = at + 9, at + 9 + length
        if level not in (1, 2) or ends > len(data):
            note("tnef-damaged")
            return
        yield name & 0xFFFF, data[begins:ends]
        at = ends + 2  # the checksum; what Outlook wrote wrong was shown all the same


class _Reader:
    """Gathers attributes into files and bodies."""

    def __init__(self, note: Note) -> None:
        self._note = note
        self._charset = "cp1252"
        self._file = PackedFile()
        self.found = Unpacked()

    def take(self, name: int, value: bytes) -> None:
        """Take the next attribute."""
        if name == _CODE_PAGE and len(value) >= 4:
            self._charset = _charset(struct.unpack_from("<I", value)[0])
        elif name == _ATTACH_RENDERING:
            # it opens each attachment
            self._file = PackedFile()
            self.found.files.append(self._file)
        elif name == _ATTACH_TITLE:
            self._file.name = self._file.name or self._name(value)
        elif name == _ATTACH_DATA:
            self._file.data = value
        elif name == _ATTACH_PROPERTIES:
            self._take_file(read_properties(value, self._charset))
        elif name == _MESSAGE_PROPERTIES:
            self._take_bodies(read_properties(value, self._charset))
        elif name == _BODY:
            self.found.text = decode(value.rstrip(b"\x00"), self._charset, self._note)

    def _name(self, value: bytes) -> str:
        return safe_name(decode(value.rstrip(b"\x00"), self._charset, self._note))

    def _take_file(self, properties: Properties) -> None:
        names = (properties.text(one) for one in (_LONG_FILE_NAME, _FILE_NAME, _DISPLAY_NAME))
        self._file.name = safe_name(next((one for one in names if one), "")) or self._file.name
        self._file.content_type = properties.text(_CONTENT_TYPE).lower()
        self._file.content_id = properties.text(_CONTENT_ID).strip("<>") or None
        inside = properties.data(_ATTACH_OBJECT)
        if properties.is_object(_ATTACH_OBJECT):
            embedded = inside.startswith(_EMBEDDED_MESSAGE)
            inside = inside[_INTERFACE_BYTES:]
            if embedded and not self._file.content_type:
                self._file.content_type = "application/ms-tnef"
        if inside:
            self._file.data = inside

    def _take_bodies(self, properties: Properties) -> None:
        self.found.text = properties.text(_PLAIN_BODY) or self.found.text
        self.found.html_bytes = properties.data(_HTML_BODY)
        self.found.html = decode(self.found.html_bytes.rstrip(b"\x00"), None, self._note)
        packed = properties.data(_RTF_BODY)
        if packed:
            self.found.rtf = self._rtf(packed)

    def _rtf(self, packed: bytes) -> bytes:
        """MS-OXRTFCP; the size it claims is not believed beyond a limit."""
        claimed = struct.unpack_from("<I", packed, 4)[0] if len(packed) >= 16 else 0
        if not claimed or claimed > _MAX_RTF_BYTES:
            self._note("tnef-damaged")
            return b""
        try:
            return bytes(compressed_rtf.decompress(packed))
        except (ValueError, IndexError, struct.error, AssertionError):
            self._note("tnef-damaged")
            return b""


def _charset(code_page: int) -> str:
    return {65001: "utf-8", 932: "cp932", 936: "gb18030", 949: "cp949", 950: "cp950",
            20127: "cp1252", 28591: "cp1252"}.get(code_page, f"cp{code_page}")  # fmt: skip
