"""What is sealed for a channel: a password as it is, or a credential as JSON."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, SecretStr, TypeAdapter, ValidationError

from postbus.contracts.base import Contract
from postbus.errors import CredentialsRejected


class GoogleRefreshToken(Contract):
    """A person's consent to read and send mail, for an OAuth client of Google."""

    kind: Literal["google-oauth"] = "google-oauth"
    client_id: str
    client_secret: str = Field(default="", repr=False, description="empty for a public client")
    refresh_token: str = Field(repr=False)
    expires_at: datetime | None = Field(
        default=None, description="when the consent ends, where Google said so"
    )


class GoogleServiceAccount(Contract):
    """The key of a Workspace service account; `subject` is the mailbox it acts for."""

    kind: Literal["google-service-account"] = "google-service-account"
    client_email: str
    private_key_id: str = ""
    private_key: str = Field(repr=False)
    subject: str


class MicrosoftClient(Contract):
    """An app registration of Microsoft Entra, and how it proves itself: by secret or certificate.

    Without either it is a public client, which only a device code can be used with.
    """

    client_id: str
    client_secret: str = Field(default="", repr=False)
    certificate: str = Field(default="", description="the public certificate, PEM")
    private_key: str = Field(default="", repr=False, description="the certificate's key, PEM")
    expires_at: datetime | None = Field(
        default=None, description="when secret or certificate ends, where that is known"
    )


class MicrosoftSignIn(Contract):
    """A person's sign-in with Microsoft 365.

    Microsoft gives another refresh token at each use, so this is only where it began: the newest
    one is kept, sealed, under `sign_in_id`, and all channels of one sign-in share it.
    """

    kind: Literal["microsoft-sign-in"] = "microsoft-sign-in"
    sign_in_id: str
    client: MicrosoftClient
    authority_url: str = Field(description="with the tenant: where its tokens come from")
    username: str = Field(description="the address of whoever signed in")
    token_cache: str = Field(repr=False, description="msal's cache of tokens, serialized")
    signed_in_at: datetime


class MicrosoftApp(Contract):
    """An app that signs in as itself (client credentials, RFC 6749 §4.4)."""

    kind: Literal["microsoft-app"] = "microsoft-app"
    client: MicrosoftClient
    authority_url: str


GoogleCredential = GoogleRefreshToken | GoogleServiceAccount
MicrosoftCredential = MicrosoftSignIn | MicrosoftApp
Credential = GoogleCredential | MicrosoftCredential
_ADAPTER: TypeAdapter[Credential] = TypeAdapter(Annotated[Credential, Field(discriminator="kind")])


def read_credential(secret: SecretStr) -> Credential:
    """The credential in an opened secret; CredentialsRejected when it is something else."""
    try:
        return _ADAPTER.validate_json(secret.get_secret_value())
    except ValidationError:
        # The cause is left out on purpose: it quotes the secret.
        raise _another_secret("no sign-in") from None


def read_google(secret: SecretStr) -> GoogleCredential:
    """The same where it must be Google's."""
    credential = read_credential(secret)
    if isinstance(credential, (GoogleRefreshToken, GoogleServiceAccount)):
        return credential
    raise _another_secret("no sign-in with Google")


def read_microsoft(secret: SecretStr) -> MicrosoftCredential:
    """The same where it must be Microsoft's."""
    credential = read_credential(secret)
    if isinstance(credential, (MicrosoftSignIn, MicrosoftApp)):
        return credential
    raise _another_secret("no sign-in with Microsoft")


def _another_secret(what: str) -> CredentialsRejected:
    return CredentialsRejected(
        f"the secret that is kept is {what}", reason="needs-sign-in", advice="Sign in again."
    )
