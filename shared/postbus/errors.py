"""The errors of Postbus; adapters translate what drivers raise into these at the border.

PostbusError
├── TemporaryError              trying again may help; may carry retry_after_seconds
│   ├── Unavailable             something we depend on is away; wait for it as long as it takes
│   │   ├── BusUnavailable      NATS
│   │   ├── StoreUnavailable    MongoDB, the blob store
│   │   └── GuardUnavailable    nobody answers "may this be sent?"
│   ├── MailHostUnavailable     time-out, refused connection, SMTP 4yz, HTTP 429 and 5xx
│   └── StateConflict           somebody saved first
└── PermanentError              trying again cannot help
    ├── MailUnreadable
    ├── MailRefused             SMTP 5yz; carries the enhanced code (RFC 3463)
    ├── CredentialsRejected
    ├── NotConfigured           a channel, ticket type or secret that is not there
    └── BlobMissing             a reference to bytes that the blob store does not have
"""


class PostbusError(Exception):
    """Base of everything Postbus raises on purpose."""


class TemporaryError(PostbusError):
    """Trying again may help."""

    def __init__(self, message: str = "", *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(TemporaryError):
    """Something we depend on is away; the message waits for it and is not counted against."""


class BusUnavailable(Unavailable):
    """NATS is away or did not acknowledge in time."""


class StoreUnavailable(Unavailable):
    """MongoDB or the blob store is away."""


class GuardUnavailable(Unavailable):
    """The loop guard did not answer."""


class MailHostUnavailable(TemporaryError):
    """The other side cannot take or give mail now (RFC 5321 §4.2.1, 4yz).

    ``smtp_code`` and ``enhanced_code`` are what the server said, where it said something;
    ``reason`` is a stable word for programs and ``advice`` what people can do, where the cause is
    known.
    """

    def __init__(
        self,
        message: str,
        *,
        smtp_code: int | None = None,
        enhanced_code: str | None = None,
        retry_after_seconds: float | None = None,
        reason: str = "",
        advice: str = "",
    ) -> None:
        super().__init__(message, retry_after_seconds=retry_after_seconds)
        self.smtp_code = smtp_code
        self.enhanced_code = enhanced_code
        self.reason = reason
        self.advice = advice


class StateConflict(TemporaryError):
    """Somebody else saved first; look again and decide anew."""


class PermanentError(PostbusError):
    """Trying again cannot help."""


class MailUnreadable(PermanentError):
    """The bytes are not a mail that anything could be made of."""


class MailRefused(PermanentError):
    """The other side will never take this mail (RFC 5321 §4.2.1, 5yz)."""

    def __init__(
        self, message: str, *, smtp_code: int | None = None, enhanced_code: str | None = None
    ) -> None:
        super().__init__(message)
        self.smtp_code = smtp_code
        self.enhanced_code = enhanced_code


class CredentialsRejected(PermanentError):
    """User name, password or token is not accepted; ``reason`` and ``advice`` as above."""

    def __init__(self, message: str, *, reason: str = "", advice: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.advice = advice


class NotConfigured(PermanentError):
    """The configuration names something that is not there; ``reason`` and ``advice`` as above."""

    def __init__(self, message: str, *, reason: str = "", advice: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.advice = advice


class BlobMissing(PermanentError):
    """The blob store has no bytes under this reference."""
