"""New key pairs for DKIM, as the service that signs wants them."""

from base64 import b64encode

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from pydantic import SecretStr

from config_service.ports import DkimPair
from postbus.contracts.dkim import DkimAlgorithm

_BITS = 2048
"""RFC 8301 §3.2: signers should use 2048 at least; receivers need not take more than 4096."""


def make_dkim_pair(algorithm: DkimAlgorithm) -> DkimPair:
    """A pair that nobody had before; RSA takes a tenth of a second and more."""
    if algorithm is DkimAlgorithm.RSA:
        return _rsa()
    return _ed25519()


def _rsa() -> DkimPair:
    private = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    # As SubjectPublicKeyInfo, which appendix C of RFC 6376 makes and everybody publishes.
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return DkimPair(b64encode(public).decode(), SecretStr(pem.decode()))


def _ed25519() -> DkimPair:
    """Both halves bare (RFC 8463 §4.2)."""
    private = Ed25519PrivateKey.generate()
    seed = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return DkimPair(b64encode(public).decode(), SecretStr(b64encode(seed).decode()))
