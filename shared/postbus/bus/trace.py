"""The W3C trace context that travels with a message and with all that it causes."""

import contextvars
import re
import secrets

HEADER = "traceparent"
_FORM = re.compile(r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")
current: contextvars.ContextVar[str | None] = contextvars.ContextVar("traceparent", default=None)


def adopt(header: str | None) -> contextvars.Token[str | None]:
    """Make the trace of an incoming message the current one; give the token to `current.reset`."""
    return current.set(header if header and _FORM.match(header) else _new())


def outgoing() -> str:
    """The header for a message we send: the same trace, a new span (W3C Trace Context §3.2)."""
    parent = current.get() or _new()
    version, trace_id, _, flags = parent.split("-")
    return f"{version}-{trace_id}-{secrets.token_hex(8)}-{flags}"


def _new() -> str:
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
