"""Who is known to the stand-in of Microsoft's identity platform: tenants, people, apps."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

PERSONAL_TENANT: Final = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""Of everybody with a personal account (Entra docs, "ID token claims reference", `tid`)."""
GRAPH: Final = "https://graph.microsoft.com"
OUTLOOK: Final = "https://outlook.office.com"
OUTLOOK_APP: Final = "https://outlook.office365.com"
RESOURCES: Final = (GRAPH, OUTLOOK, OUTLOOK_APP)
OIDC_SCOPES: Final = frozenset({"openid", "profile", "email", "offline_access"})
MAIL_SCOPES: Final = frozenset(
    f"{GRAPH}/{name}"
    for name in ("Mail.ReadWrite", "Mail.Send", "Mail.ReadWrite.Shared", "Mail.Send.Shared")
) | {f"{OUTLOOK}/SMTP.Send", f"{GRAPH}/User.Read"}


class SignInRefused(Exception):
    """An answer with an error, as the token endpoint words it."""

    def __init__(
        self, error: str, code: int, says: str, *, suberror: str = "", status: int = 400
    ) -> None:
        super().__init__(f"AADSTS{code}: {says}")
        self.error = error
        self.code = code
        self.suberror = suberror
        self.status = status

    def document(self, now: float) -> dict[str, object]:
        """The JSON document."""
        stamp = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        trace = "0000aaaa-11bb-cccc-dd22-eeeeee333333"
        return {
            "error": self.error,
            "error_description": f"{self} Trace ID: {trace} Correlation ID: {trace} "
            f"Timestamp: {stamp}",
            "error_codes": [self.code],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": trace,
            **({"suberror": self.suberror} if self.suberror else {}),
        }


@dataclass
class User:
    """A person with an account; `personal`: one at outlook.com, not of an organisation."""

    address: str
    tenant: str
    personal: bool = False
    needs_mfa: bool = False
    """Its refresh tokens are refused with AADSTS50076 until somebody signs in again."""
    revoked_at: float | None = None
    """Tokens from before are good no more (AADSTS50173)."""

    @property
    def oid(self) -> str:
        """Its object id, always the same for the same address."""
        digest = hashlib.sha256(self.address.lower().encode()).hexdigest()
        return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"


@dataclass
class AppRegistration:
    """An app registration, and its service principals in the tenants that consented."""

    client_id: str
    tenant: str
    name: str = "Postbus"
    multi_tenant: bool = False
    public_client: bool = False
    """"Allow public client flows": device code, and refreshing without a secret."""
    redirect_uris: set[str] = field(default_factory=set)
    secrets: dict[str, float | None] = field(default_factory=dict)
    """Secret → when it ends (epoch seconds), or None."""
    certificates: list[str] = field(default_factory=list)
    """PEM certificates that may sign assertions."""
    delegated: set[str] = field(default_factory=lambda: set(MAIL_SCOPES))
    """Delegated permissions that it may ask people for, with their resource."""
    roles: dict[str, set[str]] = field(default_factory=dict)
    """Tenant → app roles that an admin there consented to."""
    admin_consent_only: bool = False
    """People may not consent themselves (AADSTS90094)."""
    consents: dict[str, set[str]] = field(default_factory=dict)
    """Address of a user, lower case → scopes that were consented to."""

    def certificate_of(self, thumbprint: str, *, sha256: bool) -> x509.Certificate | None:
        """The registered certificate with that thumbprint (hex)."""
        for pem in self.certificates:
            certificate = x509.load_pem_x509_certificate(pem.encode())
            # SHA-1 thumbprints are what older libraries send as `x5t`.
            algorithm = SHA256() if sha256 else SHA1()
            if certificate.fingerprint(algorithm).hex() == thumbprint:
                return certificate
        return None

    def consented(self, user: User) -> set[str]:
        """What this user consented to."""
        return self.consents.setdefault(user.address.lower(), set())


@dataclass
class Directory:
    """All of it; whatever stands here may be changed while the server runs."""

    tenants: dict[str, set[str]] = field(default_factory=dict)
    """Tenant id → its domains."""
    users: dict[str, User] = field(default_factory=dict)
    """Address, lower case → the account."""
    apps: dict[str, AppRegistration] = field(default_factory=dict)

    def add_tenant(self, tenant: str, *domains: str) -> str:
        """A tenant, by id."""
        self.tenants[tenant] = set(domains)
        return tenant

    def add_user(self, address: str, tenant: str = PERSONAL_TENANT) -> User:
        """An account; without a tenant a personal one."""
        user = User(address, tenant, personal=tenant == PERSONAL_TENANT)
        self.users[address.lower()] = user
        return user

    def add_app(self, app: AppRegistration) -> AppRegistration:
        """An app registration."""
        self.apps[app.client_id] = app
        return app

    def user(self, address: str) -> User:
        """The account; AADSTS50034 when there is none."""
        found = self.users.get(address.strip().lower())
        if found is None:
            raise SignInRefused(
                "invalid_grant", 50034, f"The user account {address} does not exist in the "
                "directory. To sign into this application, the account must be added to the "
                "directory.",
            )  # fmt: skip
        return found

    def tenant_of(self, named: str) -> str:
        """The id of the tenant in a path, or `organizations`, `common`, `consumers`."""
        wanted = named.lower()
        if wanted in ("organizations", "common", "consumers"):
            return wanted
        if wanted == PERSONAL_TENANT:
            return "consumers"
        for tenant, domains in self.tenants.items():
            if wanted == tenant or wanted in domains:
                return tenant
        raise SignInRefused(
            "invalid_tenant", 90002, f"Tenant '{named}' not found. Check to make sure you have "
            "the correct tenant ID and are signing into the correct cloud.",
        )  # fmt: skip

    def app(self, client_id: str, tenant: str) -> AppRegistration:
        """The app, where this tenant knows it or it is for all of them."""
        app = self.apps.get(client_id)
        shared = tenant in ("organizations", "common", "consumers")
        if app is None or not (app.multi_tenant or shared or app.tenant == tenant):
            raise SignInRefused(
                "unauthorized_client", 700016, f"Application with identifier '{client_id}' was "
                f"not found in the directory '{tenant}'. This can happen if the application has "
                "not been installed by the administrator of the tenant or consented to by any "
                "user in the tenant. You may have sent your authentication request to the wrong "
                "tenant.",
            )  # fmt: skip
        if shared and not app.multi_tenant:
            raise SignInRefused(
                "unauthorized_client", 50194, f"Application '{client_id}'({app.name}) is not "
                "configured as a multi-tenant application. Usage of the /common endpoint is not "
                "supported for such apps created after '10/15/2018'. Use a tenant-specific "
                "endpoint or configure the application to be multi-tenant.",
            )  # fmt: skip
        return app

    def may_sign_in(self, user: User, app: AppRegistration, tenant: str) -> None:
        """Refuse whom the authority is not for."""
        if user.personal and tenant not in ("common", "consumers"):
            raise SignInRefused(
                "access_denied", 500200, f"User account '{user.address}' is a personal Microsoft "
                "account. Personal Microsoft accounts are not supported for this application "
                "unless explicitly invited to an organization. Try signing out and signing back "
                "in with an organizational account.",
            )  # fmt: skip
        elsewhere = tenant in self.tenants and user.tenant != tenant
        if elsewhere or (not app.multi_tenant and user.tenant != app.tenant):
            raise SignInRefused(
                "access_denied", 50020, f"User account '{user.address}' from identity provider "
                f"'https://sts.windows.net/{user.tenant}/' does not exist in tenant '{tenant}' "
                f"and cannot access the application '{app.client_id}'({app.name}) in that tenant. "
                "The account needs to be added as an external user in the tenant first.",
            )  # fmt: skip


def resource_of(scopes: set[str]) -> str:
    """The one resource of a request for a token; GRAPH when it names none of its own."""
    named = {res for scope in scopes for res in RESOURCES if scope.startswith(f"{res}/")}
    unknown = {s for s in scopes if not s.startswith(tuple(f"{r}/" for r in RESOURCES))}
    if unknown:
        raise SignInRefused(
            "invalid_scope", 70011, "The provided request must include a 'scope' input parameter. "
            f"The provided value for the input parameter 'scope' is not valid. The scope "
            f"{' '.join(sorted(unknown))} is not valid.",
        )  # fmt: skip
    if len(named) > 1:
        raise SignInRefused(
            "invalid_request", 28000, "Provided value for the input parameter scope is not valid "
            "because it contains more than one resource.",
        )  # fmt: skip
    return next(iter(named), GRAPH)
