"""Sealed boxes (libsodium `crypto_box_seal`).

Anyone with the public key seals; only the holder of the private key opens. A sealed box does not
say who made it, so what is inside is bound to the name it was sealed under: a box copied from one
channel to another does not open there.
"""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from pathlib import Path

import orjson
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox
from pydantic import SecretStr

from postbus.errors import CredentialsRejected
from postbus.secrets.keys import read_private_keys, read_public_key


class Sealer:
    """Seals; cannot open what it sealed."""

    def __init__(self, public_key: bytes) -> None:
        self._box = SealedBox(PublicKey(public_key))

    @classmethod
    def from_file(cls, public_file: Path) -> "Sealer":
        """With the key of a file; NotConfigured when there is none."""
        return cls(read_public_key(public_file))

    @classmethod
    def from_private_file(cls, private_file: Path) -> "Sealer":
        """For whoever can open, too; NotConfigured when there is no key."""
        return cls(bytes(PrivateKey(read_private_keys(private_file)[0]).public_key))

    def seal(self, name: str, secret: SecretStr) -> str:
        """The secret, sealed under that name, in base64; different every time."""
        inside = orjson.dumps({"name": name, "secret": secret.get_secret_value()})
        return b64encode(self._box.encrypt(inside)).decode()


class Opener:
    """Opens what was sealed for any of its keys; several, while a rotation is under way."""

    def __init__(self, private_keys: Sequence[bytes]) -> None:
        self._boxes = tuple(SealedBox(PrivateKey(key)) for key in private_keys)

    @classmethod
    def from_file(cls, private_file: Path) -> "Opener":
        """With the keys of a file; NotConfigured when there is none."""
        return cls(read_private_keys(private_file))

    def open(self, name: str, sealed: str) -> SecretStr:
        """The secret that was sealed under that name.

        CredentialsRejected when no key opens it, it is damaged, or it was sealed under another
        name.
        """
        inside = self._inside(name, sealed)
        try:
            fields = orjson.loads(inside)
            sealed_name, secret = fields["name"], fields["secret"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            # The cause is left out on purpose: it could show the secret.
            raise CredentialsRejected(f"the secret {name} holds something else") from None
        if sealed_name != name:
            raise CredentialsRejected(f"the secret {name} was sealed under another name")
        return SecretStr(secret)

    def _inside(self, name: str, sealed: str) -> bytes:
        try:
            box = b64decode(sealed, validate=True)
        except ValueError as error:
            raise CredentialsRejected(f"the secret {name} is damaged") from error
        for candidate in self._boxes:
            try:
                return candidate.decrypt(box)
            except CryptoError:
                continue
        raise CredentialsRejected(f"no key opens the secret {name}")
