"""App registrations of Microsoft Entra as they are given, and the credentials made of them."""

from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from pydantic import SecretStr, ValidationError

from postbus.connecting.credentials import MicrosoftApp, MicrosoftClient
from postbus.runtime.problems import FieldError, Problem


def microsoft_client(secret: SecretStr, pointer: str) -> MicrosoftClient:
    """The client in a JSON text, able to prove itself; 422 otherwise."""
    try:
        given = MicrosoftClient.model_validate_json(secret.get_secret_value())
    except ValidationError:
        # The cause is left out on purpose: it quotes the secret.
        detail = "This is no client of an app registration: give JSON with `client_id`."
        raise _not_usable(pointer, detail) from None
    return proven(given, pointer)


def app_credential(client: MicrosoftClient, authority_url: str) -> SecretStr:
    """The credential of an app that signs in as itself."""
    return SecretStr(MicrosoftApp(client=client, authority_url=authority_url).model_dump_json())


def proven(client: MicrosoftClient, pointer: str) -> MicrosoftClient:
    """The client if it has a secret, or a certificate with its key; 422 for neither, and for both.

    When a certificate ends is read from it; a certificate that has ended is refused.
    """
    checked = checked_client(client, pointer)
    if not (checked.client_secret or checked.certificate):
        detail = "An app signs in with a `client_secret`, or a `certificate` and `private_key`."
        raise _not_usable(pointer, detail)
    return checked


def checked_client(client: MicrosoftClient, pointer: str) -> MicrosoftClient:
    """The client, which may be a public one; 422 for a certificate that is of no use."""
    if bool(client.certificate) != bool(client.private_key):
        raise _not_usable(pointer, "A `certificate` needs its `private_key`, and no key is alone.")
    if client.certificate and client.client_secret:
        raise _not_usable(pointer, "Give a secret or a certificate, and not both.")
    if not client.certificate:
        return client
    ends_at = _end_of(client, pointer)
    if ends_at <= datetime.now(UTC):
        raise _not_usable(pointer, f"The certificate has ended, on {ends_at:%Y-%m-%d}.")
    return client.model_copy(update={"expires_at": ends_at})


def _end_of(client: MicrosoftClient, pointer: str) -> datetime:
    try:
        certificate = x509.load_pem_x509_certificate(client.certificate.encode())
        key = serialization.load_pem_private_key(client.private_key.encode(), password=None)
    except (ValueError, TypeError):
        # The cause is left out on purpose: it may quote the key.
        detail = "Certificate and private key are PEM, the key without a passphrase."
        raise _not_usable(pointer, detail) from None
    spki = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    if certificate.public_key().public_bytes(*spki) != key.public_key().public_bytes(*spki):
        raise _not_usable(pointer, "The private key is not the one of the certificate.")
    return certificate.not_valid_after_utc


def _not_usable(pointer: str, detail: str) -> Problem:
    return Problem(422, "invalid", detail=detail, errors=(FieldError(pointer, detail),))
