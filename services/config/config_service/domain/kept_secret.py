"""When a kept secret may serve a changed channel."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from config_service.domain.refusals import Reason, Refusal
from postbus.contracts.configuration import (
    GraphAccess,
    GraphAuth,
    ImapAuth,
    ImapSettings,
    InboundChannel,
    OutboundChannel,
    SmtpAuth,
    SmtpSettings,
    TlsMode,
)


class SecretForm(StrEnum):
    """What the secret of a channel is."""

    NONE = "none"
    PASSWORD = "password"  # noqa: S105 - the name of a form, no secret
    SIGNED_IN = "signed-in"
    """A consent that came from a sign-in with Google, and from nowhere else."""
    KEY = "key"
    """The JSON file of a service account's key."""
    OAUTH = "oauth"
    """Either of the two before, or a sign-in with Microsoft."""
    MICROSOFT_SIGN_IN = "microsoft-sign-in"
    """A sign-in with Microsoft, which comes from nowhere else."""
    MICROSOFT_APP = "microsoft-app"
    """How an app registration of Microsoft Entra proves itself, as JSON."""


@dataclass(frozen=True)
class SignIn:
    """How a channel signs in; `field` is where that stands in its document."""

    field: Literal["imap", "smtp", "graph"]
    host: str
    tls: TlsMode
    username: str
    form: SecretForm
    ca_certificates: str | None = None

    @property
    def pointer(self) -> str:
        """The field as a JSON Pointer fragment."""
        return f"#/{self.field}"


_IMAP_FORMS = {
    ImapAuth.PASSWORD: SecretForm.PASSWORD,
    ImapAuth.APP_PASSWORD: SecretForm.PASSWORD,
    ImapAuth.GOOGLE_OAUTH: SecretForm.SIGNED_IN,
    ImapAuth.GOOGLE_SERVICE_ACCOUNT: SecretForm.KEY,
}
_SMTP_FORMS = {
    SmtpAuth.NONE: SecretForm.NONE,
    SmtpAuth.PASSWORD: SecretForm.PASSWORD,
    SmtpAuth.XOAUTH2: SecretForm.OAUTH,
}
_GRAPH_FORMS = {
    GraphAuth.DELEGATED: SecretForm.MICROSOFT_SIGN_IN,
    GraphAuth.APP_ONLY: SecretForm.MICROSOFT_APP,
}
_ONLY_BY_SIGNING_IN = (SecretForm.SIGNED_IN, SecretForm.MICROSOFT_SIGN_IN)
_NEEDS = {
    SecretForm.PASSWORD: "Signing in with a password needs one.",
    SecretForm.SIGNED_IN: "Signing in with Google starts at POST /api/v1/connect/google.",
    SecretForm.KEY: "A service account signs in with its key: the JSON file, whole.",
    SecretForm.OAUTH: "Start at POST /api/v1/connect/google or /api/v1/connect/microsoft, or give "
    "a service account's key.",
    SecretForm.MICROSOFT_SIGN_IN: "Signing in with Microsoft starts at POST "
    "/api/v1/connect/microsoft.",
    SecretForm.MICROSOFT_APP: "An app signs in with its client: JSON with `client_id`, and "
    "`client_secret` or `certificate` and `private_key`.",
}


def sign_in_of(channel: InboundChannel | OutboundChannel) -> SignIn | None:
    """How the channel signs in; None when it has no server of its own."""
    if isinstance(channel, InboundChannel):
        if channel.graph:
            return _by_graph(channel.graph)
        return _by_imap(channel.imap) if channel.imap else None
    if channel.graph:
        return _by_graph(channel.graph)
    return _by_smtp(channel.smtp) if channel.smtp else None


def secret_refusal(
    after: SignIn | None, before: SignIn | None, *, given: bool, kept: bool
) -> Refusal | None:
    """Why the channel cannot do with the secret it has.

    A kept secret goes only to the server it was given for, at least as well protected: whoever may
    change the host must not get the password that way.
    """
    if after is None or after.form is SecretForm.NONE:
        return None
    if given and after.form in _ONLY_BY_SIGNING_IN:
        return _needed(after, _NEEDS[after.form])
    lacking = None if given else _lacking(after, before if kept else None)
    if lacking is not None:
        return _needed(after, lacking)
    if not after.username:
        detail = "Signing in needs a user name."
        return Refusal(Reason.SECRET_NEEDED, detail, f"{after.pointer}/username")
    return None


def _lacking(after: SignIn, before: SignIn | None) -> str | None:
    """Why what is kept, for `before`, does not do; None when it does."""
    if before is None:
        return _NEEDS[after.form]
    if _goes_elsewhere(before, after):
        return "The server or its protection changes, so the secret is to be given again."
    if _is_another(before, after):
        detail = "The secret that is kept is for another way of signing in, or another mailbox."
        return f"{detail} {_NEEDS[after.form]}"
    return None


def _by_imap(imap: ImapSettings) -> SignIn:
    form = _IMAP_FORMS[imap.auth]
    return SignIn("imap", imap.host, imap.tls, imap.username, form, imap.ca_certificates)


def _by_smtp(smtp: SmtpSettings) -> SignIn:
    form = _SMTP_FORMS[smtp.auth]
    return SignIn("smtp", smtp.host, smtp.tls, smtp.username or "", form, smtp.ca_certificates)


def _by_graph(graph: GraphAccess) -> SignIn:
    # Tokens go to Graph and secrets to the authority, so neither may move under a kept one.
    hosts = f"{graph.authority_url.rstrip('/')} {graph.base_url.rstrip('/')}"
    return SignIn("graph", hosts, TlsMode.IMPLICIT, graph.mailbox, _GRAPH_FORMS[graph.auth])


def _needed(after: SignIn, detail: str) -> Refusal:
    return Refusal(Reason.SECRET_NEEDED, detail, f"{after.pointer}/secret")


def _goes_elsewhere(before: SignIn, after: SignIn) -> bool:
    weaker = after.tls is TlsMode.NONE and before.tls is not TlsMode.NONE
    # Whoever is trusted besides the usual authorities can stand in for the server.
    trusts_more = after.ca_certificates not in (None, before.ca_certificates)
    return after.host.lower() != before.host.lower() or weaker or trusts_more


def _is_another(before: SignIn, after: SignIn) -> bool:
    """A key is kept for one mailbox, and a password is no token."""
    if before.form is not after.form:
        return before.form is not SecretForm.NONE
    of_one_mailbox = after.form is not SecretForm.PASSWORD
    return of_one_mailbox and after.username.lower() != before.username.lower()
