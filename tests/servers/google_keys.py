"""Keys of service accounts, as the Google Cloud console gives them out."""

from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from servers.google import GoogleServer


def service_account_key(google: GoogleServer) -> dict[str, Any]:
    """The JSON key file of a new service account that the server knows."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    email = "postbus@project.iam.gserviceaccount.com"
    google.service_account_public_keys[email] = public.decode()
    return {
        "type": "service_account",
        "client_email": email,
        "private_key_id": "k1",
        "private_key": private.decode(),
    }
