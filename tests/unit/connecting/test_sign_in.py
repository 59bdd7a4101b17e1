"""What servers say when they let nobody in: a table."""

import pytest

from postbus.connecting import explain

GMAIL_SAYS_NO = "535 5.7.8 Username and Password not accepted. For more information, go to"


@pytest.mark.parametrize(
    ("said", "reason", "permanent"),
    [
        (GMAIL_SAYS_NO, "wrong-password", True),
        ("[AUTHENTICATIONFAILED] Invalid credentials (Failure)", "wrong-password", True),
        ("535 Incorrect authentication data", "wrong-password", True),
        ("535 5.7.8 Error: authentication failed, please try again", "wrong-password", True),
        ("[AUTHENTICATIONFAILED] Authentication failed. Try again later.", "wrong-password", True),
        ("LOGIN failed.", "wrong-password", True),
        ("535 5.7.8 no, 84.4.2.1 is not known", "wrong-password", True),
        ("534 5.7.9 Application-specific password required.", "app-password-needed", True),
        ("[ALERT] Application-specific password required: https://support", "app-password-needed",
         True),
        ("534 5.7.14 <https://accounts.google.com/signin/continue> Please log in",
         "web-sign-in-needed", True),
        ("[ALERT] Web login required: https://support.google.com", "web-sign-in-needed", True),
        ("[ALERT] Your account is not enabled for IMAP use.", "imap-disabled", True),
        ("[ALERT] IMAP access is disabled for your domain.", "imap-disabled", True),
        ("Your domain policy has disabled this", "disabled-by-admin", True),
        ("[ALERT] Too many simultaneous connections. (Failure)", "too-many-connections", False),
        ("[OVERQUOTA] Account exceeded command or bandwidth limits.", "bandwidth", False),
        ("454 4.7.0 Too many login attempts, please try again later.", "bandwidth", False),
        ("[UNAVAILABLE] Temporary authentication failure.", "unavailable", False),
        ("454 4.7.0 Temporary authentication failure", "unavailable", False),
        ("[INUSE] mailbox is in use", "unavailable", False),
        ("538 5.7.11 Encryption required for requested mechanism", "tls-needed", True),
        ("530 5.7.0 Must issue a STARTTLS command first", "tls-needed", True),
        ("[PRIVACYREQUIRED] Plaintext authentication disallowed", "tls-needed", True),
        ("[EXPIRED] Password expired", "password-expired", True),
        ("[CONTACTADMIN] no", "sign-in-refused", True),
        ("", "sign-in-refused", True),
    ],
)  # fmt: skip
def test_what_a_server_says_is_explained(said: str, reason: str, permanent: bool) -> None:  # noqa: FBT001 - a column of the table
    explained = explain(said)
    assert (explained.reason, explained.permanent) == (reason, permanent)
    assert explained.what
    assert explained.advice


@pytest.mark.parametrize("said", [GMAIL_SAYS_NO, "[AUTHENTICATIONFAILED] Invalid credentials", ""])
def test_a_refused_token_asks_for_a_new_sign_in_and_no_password(said: str) -> None:
    explained = explain(said, with_token=True)
    assert (explained.reason, explained.permanent) == ("needs-sign-in", True)
    assert "assword" not in explained.advice


def test_a_token_does_not_hide_what_else_is_wrong() -> None:
    said = "454 4.7.0 Too many login attempts"
    assert explain(said, with_token=True) == explain(said)
