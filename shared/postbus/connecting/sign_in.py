"""What servers say when they let nobody in, in words that help; for IMAP and SMTP alike.

The texts of Gmail are those of its help pages ("Sign in with app passwords", "Turn IMAP on") and of
what its servers answer in practice, those of Microsoft of "Fix issues with printers, scanners, and
LOB applications" and "Email non-delivery reports in Exchange Online"; a server of another make is
told by its RFC 5530 code.
"""

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Explained:
    """A stable word for programs, what is wrong, and what to do; `permanent`: people must act."""

    reason: str
    what: str
    advice: str = ""
    permanent: bool = True


_WRONG_PASSWORD: Final = Explained(
    "wrong-password",
    "user name or password is not accepted",
    "Check both. At Gmail the password is an app password: 16 letters, made after "
    "2-step verification was turned on; it ends when the account's password changes.",
)
_KNOWN: Final[tuple[tuple[re.Pattern[str], Explained], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE), said)
    for pattern, said in (
        (
            # Before all else: Exchange Online says 535 5.7.139 of everything.
            r"SmtpClientAuthentication is disabled for the Tenant",
            Explained(
                "smtp-auth-off",
                "SMTP AUTH is switched off for the whole organisation",
                "An admin switches it on for this mailbox only, in the Microsoft 365 admin center "
                "(Mail, Manage email apps, Authenticated SMTP) or by Set-CASMailbox <mailbox> "
                "-SmtpClientAuthenticationDisabled $false; or connect with Graph, which does not "
                "need it.",
            ),
        ),
        (
            r"SmtpClientAuthentication is disabled for the Mailbox",
            Explained(
                "smtp-auth-off",
                "SMTP AUTH is switched off for this mailbox",
                "An admin switches it on: Set-CASMailbox <mailbox> "
                "-SmtpClientAuthenticationDisabled $false; or connect with Graph, which does not "
                "need it.",
            ),
        ),
        (
            r"security defaults policy",
            Explained(
                "security-defaults",
                "the organisation's security defaults forbid SMTP AUTH",
                "Connect with Graph; or an admin switches security defaults off in Microsoft "
                "Entra and protects the organisation by conditional access instead.",
            ),
        ),
        (
            r"conditional access|did not meet the criteria to be authenticated",
            Explained(
                "conditional-access",
                "a policy of the organisation forbids this sign-in",
                "An admin looks it up in Microsoft Entra, Sign-in logs, and leaves the account out "
                "of the policy that is named there; or connect with Graph.",
            ),
        ),
        (
            r"5\.7\.30\b|basic authentication is (not supported|disabled)",
            Explained(
                "basic-auth-ended",
                "Microsoft no longer takes user name and password",
                "Sign in with Microsoft: connect with Graph, or with XOAUTH2.",
            ),
        ),
        (
            r"432 4\.3\.2|concurrent connections limit|430 4\.2\.0",
            Explained(
                "too-many-connections",
                "the mailbox has too many connections open, or sends too fast",
                "Exchange Online lets a mailbox have three connections and send 30 mails a minute. "
                "It is tried again by itself.",
                permanent=False,
            ),
        ),
        (
            r"application-specific password|5\.7\.9\b|InvalidSecondFactor",
            Explained(
                "app-password-needed",
                "the account needs an app password, and this is another one",
                "Turn on 2-step verification for the Google account, make an app password there, "
                "and give that one: 16 letters.",
            ),
        ),
        (
            r"web login required|WEBALERT|5\.7\.14\b",
            Explained(
                "web-sign-in-needed",
                "Google wants somebody to sign in to this account in a browser first",
                "Sign in to the account in a browser, confirm what it asks, and try again.",
            ),
        ),
        (
            r"not enabled for IMAP|IMAP access is disabled|IMAP is disabled",
            Explained(
                "imap-disabled",
                "IMAP is switched off for this account",
                "Turn IMAP on in the settings of the mailbox; in Google Workspace an admin may "
                "have to allow it first.",
            ),
        ),
        (
            (
                r"domain policy has disabled|disabled by (your )?(domain )?admin|"
                r"administrator has (disabled|blocked)"
            ),
            Explained(
                "disabled-by-admin",
                "the organisation's admin does not allow this way of signing in",
                "An admin can allow IMAP and app passwords in the Google Admin console; "
                "or connect with Google OAuth.",
            ),
        ),
        (
            r"too many simultaneous connections|\[LIMIT\]|maximum number of connections",
            Explained(
                "too-many-connections",
                "the account has too many connections open",
                "Other programs read this mailbox, too; Gmail allows 15 connections. It is tried "
                "again by itself.",
                permanent=False,
            ),
        ),
        (
            r"OVERQUOTA|exceeded (command or )?bandwidth|4\.7\.0 .*(too many|rate)|rate.?limit",
            Explained(
                "bandwidth",
                "the account has used up what the server gives it for now",
                "It is tried again by itself, later. Gmail gives 2,500 MB by IMAP a day.",
                permanent=False,
            ),
        ),
        (
            # Before the next, since "try again" is said of wrong passwords, too.
            r"\[AUTHENTICATIONFAILED\]|(?<![\d.])5\.7\.8(?![\d.])",
            _WRONG_PASSWORD,
        ),
        (
            (
                r"UNAVAILABLE|INUSE|SERVERBUG|try again|temporar|(?<![\d.])4\.\d\.\d(?![\d.])|"
                r"system error"
            ),
            Explained(
                "unavailable",
                "the server cannot sign anybody in at present",
                "It is tried again by itself.",
                permanent=False,
            ),
        ),
        (
            (
                r"PRIVACYREQUIRED|must issue a STARTTLS|plaintext authentication (is )?disallowed|"
                r"LOGINDISABLED|encryption required"
            ),
            Explained(
                "tls-needed",
                "the server lets nobody sign in over a connection without TLS",
                "Choose `implicit` or `starttls` as the protection.",
            ),
        ),
        (
            r"EXPIRED",
            Explained(
                "password-expired",
                "the password has expired",
                "Set a new password at the provider and give it here.",
            ),
        ),
        (
            (
                r"AUTHENTICATIONFAILED|AUTHORIZATIONFAILED|5\.7\.8\b|535|invalid credentials|"
                r"authentication fail|login fail|password"
            ),
            _WRONG_PASSWORD,
        ),
    )
)
_OTHER: Final = Explained(
    "sign-in-refused", "the server lets this user not in", "Ask the provider what it means."
)
_TOKEN: Final = Explained(
    "needs-sign-in",
    "the server does not accept the token",
    "Sign in again, with the account whose mailbox it is; a Workspace admin may have taken the "
    "app's access away.",
)


_SENDING: Final[tuple[tuple[re.Pattern[str], Explained], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE), said)
    for pattern, said in (
        (
            r"5\.2\.252\b|5\.7\.60\b|SendAsDenied",
            Explained(
                "send-as-denied",
                "whoever signed in may not send as this address",
                "In the Exchange admin center, the mailbox, Delegation, add whoever signed in to "
                "Send As; it takes up to an hour.",
            ),
        ),
        (
            (
                r"5\.1\.90\b|5\.2\.2 .*submission quota|daily (recipient|message) limit|"
                r"5\.4\.5\b.*\b(limit|quota)|daily (user )?sending (limit|quota)"
            ),
            Explained(
                "daily-limit",
                "the mailbox has written to as many recipients as it may in a day",
                "Exchange Online lets a mailbox write to 10,000 recipients a day, Gmail to 2,000, "
                "or 500 without Workspace. It is tried again by itself.",
                permanent=False,
            ),
        ),
        (
            r"5\.7\.3\b|5\.7\.57\b|client not authenticated",
            Explained(
                "not-signed-in",
                "the server sends only for those who sign in",
                "Choose a way to sign in (`auth`), at smtp.office365.com port 587.",
            ),
        ),
        (
            r"5\.2\.0\b",
            Explained(
                "mailbox-refuses",
                "the mailbox cannot take or send mail",
                "Check that it is not full and has a licence for Exchange Online.",
            ),
        ),
    )
)


def explain_sending(said: str) -> Explained | None:
    """What a refused mail means, where the server's words are known; else None."""
    return next((known for pattern, known in _SENDING if pattern.search(said)), None)


def explain(said: str, *, with_token: bool = False) -> Explained:
    """What a refused sign-in means, by what the server said."""
    found = next((known for pattern, known in _KNOWN if pattern.search(said)), _OTHER)
    if with_token and found.reason in ("wrong-password", "sign-in-refused"):
        return _TOKEN
    return found
