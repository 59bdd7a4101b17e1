"""What Microsoft says when it refuses: tables."""

import pytest

from postbus.connecting import explain, explain_sending
from postbus.errors import CredentialsRejected, MailHostUnavailable, NotConfigured, PostbusError
from postbus.microsoft import GraphRefused, explain_graph, explain_sign_in
from postbus.microsoft.errors import refusal_of

_UNSUCCESSFUL = "535 5.7.139 Authentication unsuccessful"


@pytest.mark.parametrize(
    ("error", "description", "reason", "permanent"),
    [
        ("invalid_grant", "AADSTS65001: The user has not consented", "consent-missing", True),
        ("access_denied", "AADSTS90094: needs an admin", "consent-missing", True),
        ("access_denied", "AADSTS65004: User declined", "declined", True),
        ("invalid_client", "AADSTS7000215: Invalid client secret", "wrong-secret", True),
        ("invalid_client", "AADSTS7000222: The secret keys are expired", "secret-expired", True),
        ("unauthorized_client", "AADSTS700016: Application not found", "app-unknown", True),
        ("invalid_request", "AADSTS90002: Tenant 'x' not found", "tenant-unknown", True),
        ("invalid_grant", "AADSTS50020: does not exist in tenant", "other-organisation", True),
        ("invalid_request", "AADSTS50194: not a multi-tenant app", "other-organisation", True),
        ("invalid_grant", "AADSTS50020: a personal Microsoft account", "personal-account", True),
        ("invalid_grant", "AADSTS700082: expired due to inactivity", "needs-sign-in", True),
        ("invalid_grant", "AADSTS50173: The grant was revoked", "needs-sign-in", True),
        ("invalid_grant", "AADSTS53003: blocked by policies", "conditional-access", True),
        ("interaction_required", "AADSTS50076: must use MFA", "more-proof", True),
        ("interaction_required", "", "more-proof", True),
        ("invalid_grant", "something new", "needs-sign-in", True),
        ("temporarily_unavailable", "AADSTS90033: transient", "unavailable", False),
        ("server_error", "", "unavailable", False),
        ("who_knows", "AADSTS1: ?", "sign-in-refused", True),
    ],
)
def test_a_refused_sign_in_is_explained(
    error: str, description: str, reason: str, *, permanent: bool
) -> None:
    said = explain_sign_in(error, description)
    assert (said.reason, said.permanent) == (reason, permanent)
    assert said.what
    assert said.advice


@pytest.mark.parametrize(
    ("status", "code", "kind", "reason"),
    [
        (401, "InvalidAuthenticationToken", CredentialsRejected, "needs-sign-in"),
        (403, "ErrorAccessDenied", NotConfigured, "access-denied"),
        (403, "ErrorSendAsDenied", NotConfigured, "send-as-denied"),
        (404, "ErrorInvalidUser", NotConfigured, "mailbox-unknown"),
        (404, "MailboxNotEnabledForRESTAPI", NotConfigured, "mailbox-not-online"),
        (404, "ErrorItemNotFound", GraphRefused, "refused"),
        (400, "ErrorMessageSizeExceeded", GraphRefused, "too-large"),
        (413, "", GraphRefused, "too-large"),
        (410, "SyncStateNotFound", GraphRefused, "refused"),
        (429, "ErrorExceededMessageLimit", MailHostUnavailable, "daily-limit"),
        (507, "ErrorQuotaExceeded", MailHostUnavailable, "mailbox-full"),
        (429, "ApplicationThrottled", MailHostUnavailable, "throttled"),
        (429, "", MailHostUnavailable, "throttled"),
        (503, "ErrorMailboxMoveInProgress", MailHostUnavailable, "unavailable"),
        (504, "", MailHostUnavailable, "unavailable"),
        (418, "?", GraphRefused, "refused"),
    ],
)
def test_an_answer_of_graph_is_the_right_error(
    status: int, code: str, kind: type[PostbusError], reason: str
) -> None:
    error = refusal_of(status, {"error": {"code": code, "message": "no"}}, None).error()
    assert type(error) is kind
    assert explain_graph(status, code, "no").reason == reason
    assert getattr(error, "reason", None) == reason


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("17", 17, 17),
        ("0", 0, 0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
        ("Wed, 21 Oct 2099 07:28:00 GMT", 1e9, 1e10),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, least: float, most: float) -> None:
    seconds = refusal_of(429, {}, header).retry_after_seconds
    assert seconds is not None
    assert least <= seconds <= most


@pytest.mark.parametrize("header", [None, "", "soon"])
def test_no_retry_after_is_none(header: str | None) -> None:
    assert refusal_of(429, None, header).retry_after_seconds is None


@pytest.mark.parametrize(
    ("said", "reason", "permanent"),
    [
        (f"{_UNSUCCESSFUL}, SmtpClientAuthentication is disabled for the Tenant. Visit https",
         "smtp-auth-off", True),
        (f"{_UNSUCCESSFUL}, SmtpClientAuthentication is disabled for the Mailbox.",
         "smtp-auth-off", True),
        (f"{_UNSUCCESSFUL}, user is locked by your organization's security defaults policy.",
         "security-defaults", True),
        (f"{_UNSUCCESSFUL}, the request did not meet the criteria to be authenticated.",
         "conditional-access", True),
        ("550 5.7.30 Basic authentication is not supported for Client Submission.",
         "basic-auth-ended", True),
        ("432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded: Concurrent connections",
         "too-many-connections", False),
        ("430 4.2.0 STOREDRV; mailbox logon failure", "too-many-connections", False),
    ],
)  # fmt: skip
def test_a_sign_in_that_exchange_refuses_is_explained(
    said: str, reason: str, *, permanent: bool
) -> None:
    for with_token in (False, True):
        explained = explain(said, with_token=with_token)
        assert (explained.reason, explained.permanent) == (reason, permanent)
        assert explained.advice


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("554 5.2.252 SendAsDenied; it@example.com not allowed to send as", "send-as-denied"),
        ("550 5.7.60 SMTP; Client does not have permissions to send as this sender",
         "send-as-denied"),
        ("554 5.1.90 Your message can't be sent because you've reached your daily limit",
         "daily-limit"),
        ("530 5.7.57 Client not authenticated to send mail", "not-signed-in"),
        ("554 5.2.0 STOREDRV.Submission.Exception", "mailbox-refuses"),
    ],
)  # fmt: skip
def test_a_mail_that_exchange_refuses_is_explained(said: str, reason: str) -> None:
    explained = explain_sending(said)
    assert explained is not None
    assert explained.reason == reason
    assert explained.advice


def test_what_nobody_knows_is_left_as_it_was_said() -> None:
    assert explain_sending("550 5.1.1 no such user") is None
