"""What Microsoft says when it refuses, in words that help.

Sign-ins by their AADSTS code ("Microsoft Entra authentication and authorization error codes") and
else by the OAuth word (RFC 6749 §5.2, RFC 8628 §3.5); Graph by its status and code ("Microsoft
Graph error responses", "ResponseCode" of Exchange Web Services, whose names Outlook's part kept).
"""

import re
from typing import Final

from postbus.connecting.sign_in import Explained

_CODE: Final = re.compile(r"AADSTS(\d+)")

_AGAIN: Final = "Sign in again, with the account whose mailbox it is."
_BY_ITSELF: Final = "It is tried again by itself."
_NEEDS_SIGN_IN: Final = Explained(
    "needs-sign-in", "Microsoft no longer accepts the sign-in", _AGAIN
)
_UNAVAILABLE: Final = Explained(
    "unavailable", "Microsoft cannot sign anybody in at present", _BY_ITSELF, permanent=False
)
_PERSONAL: Final = Explained(
    "personal-account",
    "this is a personal Microsoft account, and none of an organisation",
    "Sign in with the work account of the mailbox: personal accounts (outlook.com, hotmail.com, "
    "live.com) have no mailbox that Postbus may read by Graph.",
)
_NO_CONSENT: Final = Explained(
    "consent-missing",
    "nobody has allowed the app what it asks for",
    "Sign in again and accept; where the organisation lets only admins accept, an admin opens "
    "Microsoft Entra, Enterprise applications, the app, Permissions, and grants consent.",
)
_MORE_PROOF: Final = Explained(
    "more-proof",
    "the organisation wants another proof of who signs in",
    "Sign in again and give the second factor. A mailbox that no person signs in to is better "
    "opened by an app (`app-only`).",
)
_CONDITIONAL: Final = Explained(
    "conditional-access",
    "a conditional access policy of the organisation forbids this sign-in",
    "An admin looks the sign-in up in Microsoft Entra, Sign-in logs, and leaves the app or the "
    "account out of the policy that is named there.",
)
_OTHER_TENANT: Final = Explained(
    "other-organisation",
    "the account is not of the organisation that the app or the channel is of",
    "Sign in with an account of that organisation, or give the right `tenant`; a multi-tenant app "
    "takes accounts of any.",
)
_SECRET_ENDED: Final = Explained(
    "secret-expired",
    "the app's secret or certificate has expired",
    "Make a new one in Microsoft Entra, App registrations, Certificates & secrets, and give it "
    "here.",
)
_WRONG_SECRET: Final = Explained(
    "wrong-secret",
    "the app's secret or certificate is not the one that Microsoft knows",
    "Give the secret's value, not its id, or the certificate that was uploaded to the app "
    "registration, with its key.",
)
_APP_UNKNOWN: Final = Explained(
    "app-unknown",
    "the organisation does not know the app",
    "Check the client id and the tenant; in another organisation than the app's own, an admin has "
    "to consent to it first.",
)
_TENANT_UNKNOWN: Final = Explained(
    "tenant-unknown",
    "there is no such organisation at Microsoft",
    "Give the tenant's id, or one of its domains, as Microsoft Entra shows it.",
)
_ACCOUNT_OFF: Final = Explained(
    "account-disabled",
    "the account is disabled or locked",
    "An admin lets it sign in again, in the Microsoft 365 admin center.",
)
_IDLE: Final = Explained(
    "needs-sign-in", "the sign-in ended, since it was not used for 90 days", _AGAIN
)
_REVOKED: Final = Explained(
    "needs-sign-in",
    "the sign-in was taken back, by an admin or with a new password",
    _AGAIN,
)
_REDIRECT: Final = Explained(
    "redirect-unknown",
    "the address that Microsoft shall lead back to is not registered for the app",
    "In Microsoft Entra, App registrations, Authentication, add the redirect URI that Postbus "
    "shows, of the kind `Web`.",
)
_NO_PUBLIC_FLOW: Final = Explained(
    "public-client-off",
    "the app does not take part in sign-ins by device code",
    "In Microsoft Entra, App registrations, Authentication, allow public client flows, or give "
    "the app's secret.",
)
_DECLINED: Final = Explained(
    "declined", "whoever signed in did not accept", "Sign in again and accept what is asked for."
)
_DEVICE_LATE: Final = Explained(
    "too-late", "the code was not used in time", "Begin again; a code is good for 15 minutes."
)

_BY_CODE: Final[dict[str, Explained]] = {
    "65001": _NO_CONSENT, "65004": _DECLINED, "90094": _NO_CONSENT, "90095": _NO_CONSENT,
    "900941": _NO_CONSENT, "500011": _NO_CONSENT,
    "7000215": _WRONG_SECRET, "7000216": _WRONG_SECRET, "700027": _WRONG_SECRET,
    "7000222": _SECRET_ENDED, "7000218": _NO_PUBLIC_FLOW,
    "700016": _APP_UNKNOWN, "7000112": _APP_UNKNOWN, "700005": _APP_UNKNOWN,
    "90002": _TENANT_UNKNOWN, "90023": _TENANT_UNKNOWN, "900023": _TENANT_UNKNOWN,
    "50020": _OTHER_TENANT, "50178": _OTHER_TENANT, "50194": _OTHER_TENANT,
    "50105": _OTHER_TENANT,
    "9001023": _PERSONAL, "50196": _UNAVAILABLE, "500200": _PERSONAL, "50011": _REDIRECT,
    "500113": _REDIRECT,
    "700082": _IDLE, "700081": _IDLE, "700084": _IDLE, "70043": _IDLE,
    "50173": _REVOKED, "70008": _REVOKED, "50133": _REVOKED, "54005": _REVOKED,
    "70000": _NEEDS_SIGN_IN, "50058": _NEEDS_SIGN_IN,
    "53000": _CONDITIONAL, "53001": _CONDITIONAL, "53003": _CONDITIONAL, "53004": _CONDITIONAL,
    "530034": _CONDITIONAL, "530003": _CONDITIONAL, "53011": _CONDITIONAL,
    "50076": _MORE_PROOF, "50078": _MORE_PROOF, "50079": _MORE_PROOF, "50072": _MORE_PROOF,
    "50074": _MORE_PROOF, "50158": _MORE_PROOF,
    "50057": _ACCOUNT_OFF, "50053": _ACCOUNT_OFF, "50034": _ACCOUNT_OFF,
    "70020": _DEVICE_LATE, "70019": _DEVICE_LATE,
    "90033": _UNAVAILABLE, "90006": _UNAVAILABLE, "50001": _NO_CONSENT,
    "90024": _UNAVAILABLE, "90025": _UNAVAILABLE,
}  # fmt: skip
_BY_ERROR: Final[dict[str, Explained]] = {
    "temporarily_unavailable": _UNAVAILABLE, "server_error": _UNAVAILABLE,
    "slow_down": _UNAVAILABLE, "request_timeout": _UNAVAILABLE,
    "interaction_required": _MORE_PROOF, "consent_required": _NO_CONSENT,
    "access_denied": _DECLINED, "authorization_declined": _DECLINED,
    "expired_token": _DEVICE_LATE, "code_expired": _DEVICE_LATE,
    "invalid_client": _WRONG_SECRET, "unauthorized_client": _APP_UNKNOWN,
    "invalid_tenant": _TENANT_UNKNOWN, "invalid_grant": _NEEDS_SIGN_IN,
    "invalid_resource": _NO_CONSENT, "login_required": _NEEDS_SIGN_IN,
}  # fmt: skip
_OTHER_SIGN_IN: Final = Explained(
    "sign-in-refused",
    "Microsoft does not let this sign-in through",
    "Look the code up at login.microsoftonline.com/error, or ask an admin to look at the sign-in "
    "logs of Microsoft Entra.",
)


def explain_sign_in(error: str, description: str) -> Explained:
    """What a refused sign-in or a refused token means, by `error` and `error_description`."""
    if re.search(
        r"personal (Microsoft )?account|MSA account|consumer account", description, re.IGNORECASE
    ):
        return _PERSONAL
    found = _CODE.search(description)
    if found and found.group(1) in _BY_CODE:
        return _BY_CODE[found.group(1)]
    return _BY_ERROR.get(error, _OTHER_SIGN_IN)


_OUT_OF_SCOPE: Final = Explained(
    "access-denied",
    "the sign-in may not open this mailbox",
    "A person needs Full Access and Send As to a shared mailbox, and an app its permissions with "
    "admin consent; RBAC for Applications or an application access policy may leave the mailbox "
    "out (Test-ServicePrincipalAuthorization shows it). A change takes up to two hours.",
)
_NO_MAILBOX: Final = Explained(
    "mailbox-unknown",
    "there is no such mailbox in this organisation",
    "Check the address. The account needs a licence with Exchange Online, and a mailbox that was "
    "only just made may need a while.",
)
_ON_PREMISES: Final = Explained(
    "mailbox-not-online",
    "the mailbox cannot be reached by Graph: it is not in Exchange Online, or is inactive",
    "Give the account an Exchange Online licence, or move its mailbox there; a mailbox on a server "
    "of one's own is read by IMAP.",
)
_TOKEN: Final = Explained("needs-sign-in", "Graph does not accept the token", _AGAIN)
_BUSY: Final = Explained(
    "throttled",
    "the mailbox has used up what Microsoft gives it for now",
    f"{_BY_ITSELF} Microsoft gives an app 10,000 requests in 10 minutes for a mailbox, and lets it "
    "send 30 mails a minute.",
    permanent=False,
)
_GRAPH_AWAY: Final = Explained(
    "unavailable", "Graph cannot answer at present", _BY_ITSELF, permanent=False
)
_GRAPH: Final[dict[str, Explained]] = {
    "ErrorSendAsDenied": Explained(
        "send-as-denied",
        "the sign-in may not send as this address",
        "In the Exchange admin center, the mailbox, Delegation, add whoever signed in to Send As; "
        "it takes up to an hour.",
    ),
    "ErrorMessageSizeExceeded": Explained(
        "too-large",
        "the mail is larger than the mailbox may send",
        "Send fewer or smaller files; the limit is often 35 MB and an admin can raise it to 150 "
        "MB (Set-Mailbox -MaxSendSize).",
    ),
    "ErrorExceededMessageLimit": Explained(
        "daily-limit",
        "the mailbox has sent as much as it may in a day",
        f"{_BY_ITSELF} Exchange Online lets a mailbox write to 10,000 recipients a day.",
        permanent=False,
    ),
    "ErrorQuotaExceeded": Explained(
        "mailbox-full",
        "the mailbox is full",
        "Delete mail, or give the mailbox a larger quota; sent mail needs room, too.",
        permanent=False,
    ),
    "ErrorAccessDenied": _OUT_OF_SCOPE,
    "Authorization_RequestDenied": _OUT_OF_SCOPE,
    "AccessDenied": _OUT_OF_SCOPE,
    "MailboxNotEnabledForRESTAPI": _ON_PREMISES,
    "MailboxNotSupportedForRESTAPI": _ON_PREMISES,
    "ErrorInvalidUser": _NO_MAILBOX,
    "ResourceNotFound": _NO_MAILBOX,
    "Request_ResourceNotFound": _NO_MAILBOX,
    "ErrorNonExistentMailbox": _NO_MAILBOX,
    "ErrorMailboxMoveInProgress": _GRAPH_AWAY,
    "ErrorMailboxStoreUnavailable": _GRAPH_AWAY,
    "ErrorTimeoutExpired": _GRAPH_AWAY,
    "ErrorInternalServerTransientError": _GRAPH_AWAY,
    "ErrorServerBusy": _BUSY,
    "ApplicationThrottled": _BUSY,
    "ErrorTooManyObjectsOpened": _BUSY,
}
_BY_STATUS: Final = {401: _TOKEN, 403: _OUT_OF_SCOPE, 429: _BUSY}
_AS_THE_MAIL: Final = Explained("refused", "Graph does not do that")


def explain_graph(status: int, code: str, message: str) -> Explained:
    """What an answer of Graph other than 2xx means, by its status, `error.code` and message."""
    if code in _GRAPH:
        return _GRAPH[code]
    # The mail's own size limit is told with several codes, and always so.
    if status == 413 or "exceeds the maximum" in message.lower():
        return _GRAPH["ErrorMessageSizeExceeded"]
    if status in (408, 423) or status >= 500:
        return _GRAPH_AWAY
    return _BY_STATUS.get(status, _AS_THE_MAIL)
