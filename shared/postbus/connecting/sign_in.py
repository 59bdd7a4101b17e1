"""What servers say when they let nobody in, in words that help; for IMAP and SMTP alike.

The texts of Gmail are those of its help pages ("Sign in with app passwords", "Turn IMAP on") and of
what its servers answer in practice; a server of another make is told by its RFC 5530 code.
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


def explain(said: str, *, with_token: bool = False) -> Explained:
    """What a refused sign-in means, by what the server said."""
    found = next((known for pattern, known in _KNOWN if pattern.search(said)), _OTHER)
    if with_token and found.reason in ("wrong-password", "sign-in-refused"):
        return _TOKEN
    return found
