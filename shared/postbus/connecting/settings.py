"""The settings of whoever connects to servers that admins name."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings

from postbus.connecting.google import TOKEN_URL, AccessTokens
from postbus.connecting.reaching import Reach
from postbus.connecting.tls import TlsContexts


class ConnectingSettings(BaseSettings):
    """Mixed into the settings of a service that reaches out."""

    allow_private_hosts: bool = Field(
        default=False,
        description="channels may name servers inside the private network, loopback included",
    )
    tls_ca_file: Path | None = Field(
        default=None, description="certificates to trust besides the system's, for mail servers"
    )
    google_token_url: str = Field(
        default=TOKEN_URL, description="where Google gives out access tokens"
    )
    google_ca_file: Path | None = Field(
        default=None, description="certificates to trust instead of the usual ones, for Google"
    )

    @property
    def reach(self) -> Reach:
        """Where connections may go."""
        return Reach(allow_private=self.allow_private_hosts)

    @property
    def access_tokens(self) -> AccessTokens:
        """Google's, as these settings say; make one for a process."""
        return AccessTokens(self.google_token_url, ca_file=self.google_ca_file)

    @property
    def tls_contexts(self) -> TlsContexts:
        """With the authorities of these settings; make one for a process."""
        return TlsContexts(self.tls_ca_file)
