"""The token endpoint of the stand-in of Microsoft's identity platform: who gets which token."""

import base64
import hashlib
import secrets
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import jwt

from servers.microsoft_directory import (
    OIDC_SCOPES,
    RESOURCES,
    AppRegistration,
    Directory,
    SignInRefused,
    User,
    resource_of,
)
from servers.microsoft_tokens import Tokens, client_info

DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CODE_SECONDS: Final = 600
DEVICE_SECONDS: Final = 900
"""Entra docs, "device authorization grant": 15 minutes."""
_KNOWN_FIELDS = frozenset(
    (
        *("client_id", "grant_type", "client_secret", "client_assertion", "client_assertion_type"),
        *("scope", "code", "redirect_uri", "code_verifier", "refresh_token", "device_code"),
        *("client_info", "claims", "username"),
    )
)


@dataclass
class Asked:
    """What an authorize page, or a device, was asked for; then what came of it."""

    tenant: str
    client_id: str
    scopes: set[str]
    expires_at: float
    redirect_uri: str = ""
    state: str = ""
    nonce: str = ""
    challenge: str = ""
    login_hint: str = ""
    user: User | None = None
    refused: bool = False


@dataclass
class Grants:
    """Gives tokens for codes, refresh tokens, device codes and the app's own credentials."""

    directory: Directory
    tokens: Tokens
    authority: str = ""
    codes: dict[str, Asked] = field(default_factory=dict)
    devices: dict[str, Asked] = field(default_factory=dict)
    """By device code."""
    refreshing: Counter[str] = field(default_factory=Counter)
    """Refresh token → requests with it that are under way now."""
    most_refreshes_at_once: Counter[str] = field(default_factory=Counter)
    refreshes: Counter[str] = field(default_factory=Counter)
    """Address → how often a refresh token of it was used."""
    withheld: set[str] = field(default_factory=set)
    """Scopes that no token has, though they were asked for and consented to."""
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def grant(self, tenant_named: str, form: dict[str, str]) -> dict[str, Any]:
        """The answer to one request; SignInRefused."""
        unknown = set(form) - _KNOWN_FIELDS - {f for f in form if f.startswith("x-client-")}
        if unknown:
            raise SignInRefused("invalid_request", 90014, f"Unknown field {min(unknown)}.")
        with self.lock:
            tenant = self.directory.tenant_of(tenant_named)
            app = self.directory.app(_needed(form, "client_id"), tenant)
            kinds = {
                "authorization_code": self._by_code,
                "refresh_token": self._by_refresh_token,
                "client_credentials": self._by_credentials,
                DEVICE_CODE: self._by_device_code,
            }
            kind = kinds.get(_needed(form, "grant_type"))
            if kind is None:
                raise SignInRefused(
                    "unsupported_grant_type", 70003, "The app requested an unsupported grant type."
                )
            return kind(app, tenant, form)

    @contextmanager
    def counted(self, form: dict[str, str]) -> Iterator[None]:
        """Counts how many requests with one refresh token are under way at once."""
        token = form.get("refresh_token", "")
        with self.lock:
            self.refreshing[token] += 1
            now = self.refreshing[token]
            if token:
                self.most_refreshes_at_once[token] = max(self.most_refreshes_at_once[token], now)
        try:
            yield
        finally:
            with self.lock:
                self.refreshing[token] -= 1

    def _by_code(self, app: AppRegistration, tenant: str, form: dict[str, str]) -> dict[str, Any]:
        self._authenticate(app, form)
        asked = self.codes.pop(_needed(form, "code"), None)
        if asked is None or asked.client_id != app.client_id or asked.user is None:
            raise SignInRefused(
                "invalid_grant", 70000, "Provided grant is invalid or malformed.",
                suberror="bad_token",
            )  # fmt: skip
        if asked.expires_at <= self.tokens.clock():
            raise SignInRefused(
                "invalid_grant", 70008, "The provided authorization code or refresh token has "
                "expired due to inactivity. Send a new interactive authorization request for "
                "this user and resource.",
            )  # fmt: skip
        if asked.redirect_uri != form.get("redirect_uri"):
            raise SignInRefused(
                "invalid_request", 500112, "The reply address "
                f"'{form.get('redirect_uri')}' does not match the reply address "
                f"'{asked.redirect_uri}' provided when requesting Authorization code.",
            )  # fmt: skip
        if asked.challenge and asked.challenge != _challenge(form.get("code_verifier", "")):
            raise SignInRefused(
                "invalid_grant", 501481, "The Code_Verifier does not match the code_challenge "
                "supplied in the authorization request.",
            )  # fmt: skip
        scopes = _scopes(form) or asked.scopes
        return self.delegated(app, asked.user, scopes, nonce=asked.nonce)

    def _by_refresh_token(
        self, app: AppRegistration, tenant: str, form: dict[str, str]
    ) -> dict[str, Any]:
        self._authenticate(app, form)
        kept = self.tokens.take_refresh(_needed(form, "refresh_token"), app.client_id)
        self.directory.may_sign_in(kept.user, app, tenant)
        self.refreshes[kept.user.address] += 1
        answer = self.delegated(app, kept.user, _scopes(form), nonce="", with_refresh=True)
        if kept.replaced_at is None:
            kept.replaced_at = self.tokens.clock()
        return answer

    def _by_device_code(
        self, app: AppRegistration, tenant: str, form: dict[str, str]
    ) -> dict[str, Any]:
        self._authenticate(app, form)
        code = _needed(form, "device_code")
        asked = self.devices.get(code)
        if asked is None or asked.client_id != app.client_id:
            raise SignInRefused(
                "bad_verification_code", 70000, "The device code is not known.",
            )  # fmt: skip
        if asked.refused:
            raise SignInRefused(
                "authorization_declined", 70020, "The end user denied the authorization request."
            )
        if asked.expires_at <= self.tokens.clock():
            raise SignInRefused(
                "expired_token", 70020, "The provided value for the input parameter 'device_code' "
                "is not valid. This device code has expired.",
            )  # fmt: skip
        if asked.user is None:
            raise SignInRefused(
                "authorization_pending", 70016, "OAuth 2.0 device flow error. Authorization is "
                "pending. Continue polling.",
            )  # fmt: skip
        del self.devices[code]
        return self.delegated(app, asked.user, asked.scopes, nonce="")

    def _by_credentials(
        self, app: AppRegistration, tenant: str, form: dict[str, str]
    ) -> dict[str, Any]:
        if tenant not in self.directory.tenants:
            raise SignInRefused(
                "invalid_request", 50059, "No tenant-identifying information found in either the "
                "request or implied by any provided credentials.",
            )  # fmt: skip
        if tenant not in {app.tenant, *app.roles}:
            raise SignInRefused(
                "unauthorized_client", 700016, f"Application with identifier '{app.client_id}' "
                f"was not found in the directory '{tenant}'.",
            )  # fmt: skip
        self._authenticate(app, form, must=True)
        scope = _needed(form, "scope")
        resource = scope.removesuffix("/.default")
        if not scope.endswith("/.default") or resource not in RESOURCES:
            raise SignInRefused(
                "invalid_scope", 1002012, f"The provided value for scope {scope} is not valid. "
                "Client credential flows must have a scope value with /.default suffixed to the "
                "resource identifier (application ID URI).",
            )  # fmt: skip
        token = self.tokens.access(
            {
                "aud": resource, "tid": tenant, "appid": app.client_id, "idtyp": "app",
                "oid": f"sp-{app.client_id}", "roles": sorted(app.roles.get(tenant, ())),
            }
        )  # fmt: skip
        seconds = self.tokens.access_seconds
        return {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds,
                "access_token": token}  # fmt: skip

    def delegated(
        self,
        app: AppRegistration,
        user: User,
        scopes: set[str],
        *,
        nonce: str,
        with_refresh: bool = False,
    ) -> dict[str, Any]:
        """The answer with tokens for what a person consented to."""
        wanted = scopes - OIDC_SCOPES
        resource = resource_of(wanted)
        lacking = {one for one in wanted if not one.endswith("/.default")} - app.consented(user)
        if lacking:
            raise SignInRefused(
                "invalid_grant", 65001, "The user or administrator has not consented to use the "
                f"application with ID '{app.client_id}' named '{app.name}'. Send an interactive "
                "authorization request for this user and resource.", suberror="consent_required",
            )  # fmt: skip
        granted = sorted(
            s for s in app.consented(user) - self.withheld if s.startswith(f"{resource}/")
        )
        self.tokens.users[user.oid] = user
        token = self.tokens.access(
            {
                "aud": resource, "tid": user.tenant, "appid": app.client_id, "idtyp": "user",
                "oid": user.oid, "upn": user.address, "unique_name": user.address,
                "scp": " ".join(one.rpartition("/")[2] for one in granted),
            }
        )  # fmt: skip
        answer: dict[str, Any] = {
            "token_type": "Bearer",
            "scope": " ".join([*granted, *sorted(scopes & {"openid", "profile"})]),
            "expires_in": self.tokens.access_seconds,
            "ext_expires_in": self.tokens.access_seconds,
            "access_token": token,
            "id_token": self.tokens.identity(user, app, self.authority, nonce),
            "client_info": client_info(user),
        }
        if with_refresh or "offline_access" in scopes:
            answer["refresh_token"] = self.tokens.new_refresh(user, app.client_id)
        return answer

    def _authenticate(
        self, app: AppRegistration, form: dict[str, str], *, must: bool = False
    ) -> None:
        """Whether the caller is the app (RFC 6749 §2.3, RFC 7523 §2.2)."""
        if "client_secret" in form:
            self._check_secret(app, form["client_secret"])
        elif "client_assertion" in form:
            self._check_assertion(app, form)
        elif must or not app.public_client:
            raise SignInRefused(
                "invalid_client", 7000218, "The request body must contain the following "
                "parameter: 'client_assertion' or 'client_secret'.", status=401,
            )  # fmt: skip

    def _check_secret(self, app: AppRegistration, secret: str) -> None:
        if secret not in app.secrets:
            raise SignInRefused(
                "invalid_client", 7000215, "Invalid client secret provided. Ensure the secret "
                "being sent in the request is the client secret value, not the client secret ID, "
                f"for a secret added to app '{app.client_id}'.", status=401,
            )  # fmt: skip
        ends_at = app.secrets[secret]
        if ends_at is not None and ends_at <= self.tokens.clock():
            raise SignInRefused(
                "invalid_client", 7000222, "The provided client secret keys for app "
                f"'{app.client_id}' are expired. Visit the Azure portal to create new keys for "
                "your app, or consider using certificate credentials for added security.",
                status=401,
            )  # fmt: skip

    def _check_assertion(self, app: AppRegistration, form: dict[str, str]) -> None:
        assertion = form["client_assertion"]
        try:
            header = jwt.get_unverified_header(assertion)
            sha256 = "x5t#S256" in header
            thumbprint = _hex(header["x5t#S256" if sha256 else "x5t"])
        except (jwt.InvalidTokenError, KeyError, ValueError):
            raise _bad_assertion("the assertion has no thumbprint") from None
        certificate = app.certificate_of(thumbprint, sha256=sha256)
        if certificate is None or form.get("client_assertion_type") != ASSERTION_TYPE:
            raise SignInRefused(
                "invalid_client", 700027, "The certificate with identifier used to sign the "
                "client assertion is not registered on application. [Reason - The key was not "
                f"found., Thumbprint of key used by client: '{thumbprint.upper()}'].", status=401,
            )  # fmt: skip
        if certificate.not_valid_after_utc.timestamp() <= self.tokens.clock():
            raise _bad_assertion("[Reason - The key used is expired.]")
        try:
            claims = jwt.decode(
                assertion, certificate.public_key(), algorithms=["RS256", "PS256"],  # type: ignore[arg-type]
                options={"verify_aud": False, "verify_exp": False, "verify_nbf": False,
                         "verify_iat": False, "require": ["aud", "exp", "iss", "sub", "jti"]},
            )  # fmt: skip
        except jwt.InvalidTokenError:
            raise _bad_assertion("[Reason - The key was not right for the signature.]") from None
        mine = claims["iss"] == claims["sub"] == app.client_id
        to_us = str(claims["aud"]).startswith(f"{self.authority}/")
        if not (mine and to_us) or claims["exp"] <= self.tokens.clock():
            raise _bad_assertion("issuer, audience or time are not right")


def _bad_assertion(why: str) -> SignInRefused:
    return SignInRefused(
        "invalid_client", 700027, f"Client assertion failed signature validation. {why}",
        status=401,
    )  # fmt: skip


def _needed(form: dict[str, str], name: str) -> str:
    if not form.get(name):
        raise SignInRefused(
            "invalid_request", 900144,
            f"The request body must contain the following parameter: '{name}'.",
        )  # fmt: skip
    return form[name]


def _scopes(form: dict[str, str]) -> set[str]:
    return set(form.get("scope", "").split())


def _challenge(verifier: str) -> str:
    """S256 (RFC 7636 §4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _hex(thumbprint: str) -> str:
    return base64.urlsafe_b64decode(thumbprint + "=" * (-len(thumbprint) % 4)).hex()


def new_user_code() -> str:
    """Nine letters and digits, none of which look alike."""
    return "".join(secrets.choice("BCDFGHJKLMNPQRSTVWXZ23456789") for _ in range(9))
