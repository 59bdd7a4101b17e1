"""S/MIME (RFC 8551) as far as it goes without keys: what it is, and what is signed in it."""

from typing import Final

from asn1crypto import cms

from postbus.mail.charsets import Note

CONTENT_TYPES: Final = frozenset(("application/pkcs7-mime", "application/x-pkcs7-mime"))
SIGNED: Final = "smime-signed"
ENCRYPTED: Final = "smime-encrypted"


def protection_of(smime_type: str, data: bytes) -> str | None:
    """What the part is, by its parameter or else by its bytes; None for neither."""
    kind = smime_type.lower() or _cms_type(data)
    if kind in ("signed-data", "signed_data"):
        return SIGNED
    if kind in ("enveloped-data", "enveloped_data", "authenveloped-data", "authenticated_data",
                "authEnvelopedData", "encrypted_data"):  # fmt: skip
        return ENCRYPTED
    return None


def signed_content(data: bytes, note: Note) -> bytes | None:
    """The MIME entity inside an opaque signature (RFC 8551 §3.5.2); it is not verified.

    None if there is none or it cannot be taken out.
    """
    try:
        info = cms.ContentInfo.load(data)
        if info["content_type"].native != "signed_data":
            return None
        content = info["content"]["encap_content_info"]["content"]
        inside = bytes(content) if content.native is not None else b""
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        note("smime-damaged")
        return None
    return inside or None


def _cms_type(data: bytes) -> str:
    try:
        return str(cms.ContentInfo.load(data)["content_type"].native)
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
        return ""
