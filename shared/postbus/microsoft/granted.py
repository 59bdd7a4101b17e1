"""What a token may do, where it can be read: Microsoft promises no form of it.

Rights that an app has by RBAC for Applications are Exchange's and not in its token; what stands
there holds for every mailbox of the organisation (Exchange, "Role Based Access Control for
Applications in Exchange Online").
"""

from collections.abc import Sequence
from dataclasses import dataclass

import jwt
from pydantic import SecretStr

from postbus.contracts.trying import TryStep, TryStepName


@dataclass(frozen=True)
class Granted:
    """`roles` of an app, `scopes` of a person; both are empty where the token cannot be read."""

    roles: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()


def granted(token: SecretStr) -> Granted:
    """The claims of a JWT (RFC 7519), unverified: they are shown, and nothing follows from them."""
    try:
        claims = jwt.decode(token.get_secret_value(), options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return Granted()
    roles = claims.get("roles")
    return Granted(
        tuple(str(one) for one in roles) if isinstance(roles, list) else (),
        tuple(str(claims.get("scp", "")).split()),
    )


def reach_of_app(roles: Sequence[str]) -> TryStep:
    """Whether the app may open mailboxes that are none of Postbus's: at most a warning."""
    wide = [one for one in roles if one.startswith("Mail.")]
    if wide:
        return too_wide(
            f"the app has {', '.join(wide)} for every mailbox of the organisation, unless an "
            "application access policy limits it"
        )
    return TryStep(
        name=TryStepName.SCOPE,
        ok=True,
        detail="no permission of the app on mail holds for the whole organisation",
    )


def too_wide(detail: str) -> TryStep:
    """The warning, with what to do."""
    return TryStep(
        name=TryStepName.SCOPE,
        ok=True,
        detail=detail,
        reason="app-may-open-others",
        advice="Give the app its rights by RBAC for Applications with a scope of the mailboxes of "
        "Postbus, and take the consent for the whole organisation away in Entra: the two add up.",
    )
