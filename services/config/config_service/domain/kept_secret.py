"""When a kept secret may serve a changed channel."""

from config_service.domain.refusals import Reason, Refusal
from postbus.contracts.configuration import OutboundChannel, SmtpAuth, SmtpSettings, TlsMode


def secret_refusal(
    channel: OutboundChannel, before: SmtpSettings | None, *, given: bool, kept: bool
) -> Refusal | None:
    """Why the channel cannot do with the secret it has.

    A kept secret goes only to the server it was given for, at least as well protected: whoever may
    change the host must not get the password that way.
    """
    smtp = channel.smtp
    if smtp is None or smtp.auth is SmtpAuth.NONE or given:
        return _user_name_refusal(smtp)
    if not kept:
        detail = "Signing in with a password needs one."
        return Refusal(Reason.SECRET_NEEDED, detail, "#/smtp/secret")
    if before is not None and _goes_elsewhere(before, smtp):
        detail = "The server or its protection changes, so the secret is to be given again."
        return Refusal(Reason.SECRET_NEEDED, detail, "#/smtp/secret")
    return _user_name_refusal(smtp)


def _user_name_refusal(smtp: SmtpSettings | None) -> Refusal | None:
    if smtp is not None and smtp.auth is SmtpAuth.PASSWORD and not smtp.username:
        detail = "Signing in with a password needs a user name."
        return Refusal(Reason.SECRET_NEEDED, detail, "#/smtp/username")
    return None


def _goes_elsewhere(before: SmtpSettings, after: SmtpSettings) -> bool:
    weaker = after.tls is TlsMode.NONE and before.tls is not TlsMode.NONE
    return after.host.lower() != before.host.lower() or weaker
