"""What the stand-in of Microsoft's identity platform signs, gives out and takes back."""

import base64
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from servers.microsoft_directory import AppRegistration, SignInRefused, User

KEY_ID: Final = "stand-in-1"


@dataclass
class RefreshToken:
    """One refresh token and what became of it."""

    token: str = field(repr=False)
    user: User
    client_id: str
    issued_at: float
    used_at: float
    replaced_at: float | None = None
    expired: bool = False


@dataclass
class Tokens:
    """Signs with a key of its own; `clock` may be set on, to let tokens end."""

    clock: Callable[[], float] = time.time
    access_seconds: int = 3600
    refresh_idle_seconds: float = 90 * 86_400
    """A refresh token that nobody uses for so long ends (AADSTS700082)."""
    replaced_good_seconds: float = 86_400
    """How long a refresh token is still taken after another took its place."""
    refresh: dict[str, RefreshToken] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    """`jti` of access tokens that were ended before their time."""
    users: dict[str, User] = field(default_factory=dict)
    """By object id, of whom tokens were given out."""
    _key: rsa.RSAPrivateKey = field(
        default_factory=lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
        repr=False,
    )

    def jwks(self) -> dict[str, Any]:
        """The public key (RFC 7517)."""
        key = json.loads(RSAAlgorithm.to_jwk(self._key.public_key()))
        return {"keys": [{**key, "kid": KEY_ID, "use": "sig", "alg": "RS256"}]}

    def sign(self, claims: dict[str, Any]) -> str:
        """A JWT, RS256."""
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": KEY_ID})

    def claims_of(self, token: str) -> dict[str, Any] | None:
        """The claims of an access token that is good now; None for every other."""
        options: Any = {"verify_aud": False, "verify_exp": False, "verify_iat": False,
                        "verify_nbf": False, "require": ["exp", "iat", "jti", "tid"]}  # fmt: skip
        try:
            claims: dict[str, Any] = jwt.decode(
                token, self._key.public_key(), algorithms=["RS256"], options=options
            )
        except jwt.InvalidTokenError:
            return None
        user = self.users.get(claims.get("oid", ""))
        revoked = user is not None and (user.revoked_at or 0) > claims["iat"]
        if claims["exp"] <= self.clock() or claims["jti"] in self.ended or revoked:
            return None
        return claims

    def access(self, about: dict[str, Any]) -> str:
        """An access token with these claims beside the usual ones."""
        now = self.clock()
        return self.sign(
            {
                **about,
                "iss": f"https://sts.windows.net/{about['tid']}/",
                "iat": now,
                "nbf": int(now),
                "exp": int(now) + self.access_seconds,
                "jti": secrets.token_urlsafe(12),
                "ver": "1.0",
            }
        )

    def identity(self, user: User, app: AppRegistration, authority: str, nonce: str) -> str:
        """An id token (OpenID Connect Core §2)."""
        now = int(self.clock())
        return self.sign(
            {
                "aud": app.client_id,
                "iss": f"{authority}/{user.tenant}/v2.0",
                "iat": now,
                "exp": now + self.access_seconds,
                "name": user.address.partition("@")[0],
                "oid": user.oid,
                "sub": f"{user.oid}.{app.client_id}",
                "preferred_username": user.address,
                "tid": user.tenant,
                "ver": "2.0",
                **({"nonce": nonce} if nonce else {}),
            }
        )

    def new_refresh(self, user: User, client_id: str) -> str:
        """A refresh token."""
        now = self.clock()
        token = f"0.A{secrets.token_urlsafe(48)}"
        self.refresh[token] = RefreshToken(token, user, client_id, now, now)
        return token

    def take_refresh(self, token: str, client_id: str) -> RefreshToken:
        """The token, if it is still good; SignInRefused as Microsoft words it."""
        found, now = self.refresh.get(token), self.clock()
        if found is None or found.client_id != client_id:
            raise SignInRefused(
                "invalid_grant", 70000, "Provided grant is invalid or malformed.",
                suberror="bad_token",
            )  # fmt: skip
        if found.user.revoked_at is not None and found.user.revoked_at >= found.issued_at:
            raise SignInRefused(
                "invalid_grant", 50173, "The provided grant has expired due to it being revoked, "
                "a fresh auth token is needed. The user might have changed or reset their "
                "password.", suberror="bad_token",
            )  # fmt: skip
        if found.replaced_at is not None and now - found.replaced_at > self.replaced_good_seconds:
            raise SignInRefused(
                "invalid_grant", 70000, "Provided grant is invalid or malformed.",
                suberror="bad_token",
            )  # fmt: skip
        if found.expired or now - found.used_at > self.refresh_idle_seconds:
            raise SignInRefused(
                "invalid_grant", 700082, "The refresh token has expired due to inactivity. The "
                "token was issued on "
                f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(found.issued_at))} and was "
                "inactive for 90.00:00:00.", suberror="bad_token",
            )  # fmt: skip
        if found.user.needs_mfa:
            raise SignInRefused(
                "interaction_required", 50076, "Due to a configuration change made by your "
                "administrator, or because you moved to a new location, you must use multi-factor "
                "authentication to access the resource.", suberror="basic_action",
            )  # fmt: skip
        found.used_at = now
        return found


def client_info(user: User) -> str:
    """By which msal knows the account again."""
    text = json.dumps({"uid": user.oid, "utid": user.tenant}).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()
