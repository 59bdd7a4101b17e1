"""Whether a mail is signed or encrypted, seen without keys (RFC 8551, RFC 3156, RFC 9580)."""

from typing import Final

from postbus.mail import smime

PGP_SIGNED: Final = "pgp-signed"
PGP_ENCRYPTED: Final = "pgp-encrypted"
_BY_PROTOCOL: Final = {
    "application/pgp-signature": PGP_SIGNED,
    "application/pgp-encrypted": PGP_ENCRYPTED,
    "application/pkcs7-signature": smime.SIGNED,
    "application/x-pkcs7-signature": smime.SIGNED,
}
_ARMOUR: Final = (
    ("-----BEGIN PGP SIGNED MESSAGE-----", PGP_SIGNED),
    ("-----BEGIN PGP MESSAGE-----", PGP_ENCRYPTED),
)
_FILES: Final = {
    "application/pgp-signature": PGP_SIGNED,
    "application/pgp-encrypted": PGP_ENCRYPTED,
    "application/pgp": PGP_ENCRYPTED,
}
_ENCRYPTED_ENDINGS: Final = (".pgp", ".gpg")


def of_multipart(content_type: str, protocol: str) -> str | None:
    """What a multipart/signed or multipart/encrypted is (RFC 1847), by its protocol."""
    if content_type not in ("multipart/signed", "multipart/encrypted"):
        return None
    return _BY_PROTOCOL.get(protocol.strip().lower())


def of_text(text: str) -> list[str]:
    """What the armour in a text says (RFC 9580 §6.2); only where a line begins with it."""
    return [
        what
        for armour, what in _ARMOUR
        if text.startswith(armour) or f"\n{armour}" in text or f"\r\n{armour}" in text
    ]


def of_file(content_type: str, name: str, first_bytes: bytes) -> list[str]:
    """What a file of its own is: a detached signature, an encrypted file."""
    if found := _FILES.get(content_type):
        return [found]
    if armoured := of_text(first_bytes.decode("ascii", "replace")):
        return armoured
    return [PGP_ENCRYPTED] if name.lower().endswith(_ENCRYPTED_ENDINGS) else []
