"""Reaching servers that admins name: which may be reached, by which TLS, signed in as whom."""

from postbus.connecting.credentials import (
    Credential,
    GoogleCredential,
    GoogleRefreshToken,
    GoogleServiceAccount,
    MicrosoftApp,
    MicrosoftClient,
    MicrosoftCredential,
    MicrosoftSignIn,
    read_credential,
    read_google,
    read_microsoft,
)
from postbus.connecting.google import AccessTokens
from postbus.connecting.reaching import Reach, names_of
from postbus.connecting.settings import ConnectingSettings
from postbus.connecting.sign_in import Explained, explain, explain_sending
from postbus.connecting.tls import TlsContexts

__all__ = [
    "AccessTokens",
    "ConnectingSettings",
    "Credential",
    "Explained",
    "GoogleCredential",
    "GoogleRefreshToken",
    "GoogleServiceAccount",
    "MicrosoftApp",
    "MicrosoftClient",
    "MicrosoftCredential",
    "MicrosoftSignIn",
    "Reach",
    "TlsContexts",
    "explain",
    "explain_sending",
    "names_of",
    "read_credential",
    "read_google",
    "read_microsoft",
]
