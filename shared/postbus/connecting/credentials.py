"""What is sealed for a channel: a password as it is, or a credential of Google as JSON."""

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


Credential = GoogleRefreshToken | GoogleServiceAccount
_ADAPTER: TypeAdapter[Credential] = TypeAdapter(
    Annotated[GoogleRefreshToken | GoogleServiceAccount, Field(discriminator="kind")]
)


def read_credential(secret: SecretStr) -> Credential:
    """The credential in an opened secret; CredentialsRejected when it is something else."""
    try:
        return _ADAPTER.validate_json(secret.get_secret_value())
    except ValidationError:
        # The cause is left out on purpose: it quotes the secret.
        raise CredentialsRejected(
            "the secret that is kept is no sign-in with Google",
            reason="needs-sign-in",
            advice="Sign in again.",
        ) from None
