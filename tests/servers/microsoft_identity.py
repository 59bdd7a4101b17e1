"""A stand-in for the Microsoft identity platform, over real HTTPS.

It follows Entra's pages on the authorization code, device authorization and client credentials
flows. People sign in on pages with real forms. What it knows may be changed meanwhile.
"""

import json
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlencode

from servers import microsoft_pages as pages
from servers.microsoft_directory import (
    OIDC_SCOPES,
    AppRegistration,
    Directory,
    SignInRefused,
    User,
)
from servers.microsoft_grants import (
    CODE_SECONDS,
    DEVICE_SECONDS,
    Asked,
    Grants,
    new_user_code,
)
from servers.microsoft_tokens import Tokens

CERTIFICATE = Path(__file__).with_name("localhost.pem")
_AUTHORIZE_FIELDS: Final = frozenset(
    (
        *("client_id", "response_type", "redirect_uri", "scope", "state", "nonce", "prompt"),
        *("code_challenge", "code_challenge_method", "login_hint", "domain_hint", "client_info"),
        *("response_mode", "claims", "X-AnchorMailbox"),
    )
)


@dataclass(frozen=True)
class Answer:
    """What is sent back; `body` is JSON unless it is text, which is a page."""

    body: Any = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class MicrosoftIdentity:
    """The identity platform: `directory` says who is known, `tokens` what is signed."""

    directory: Directory = field(default_factory=Directory)
    tokens: Tokens = field(default_factory=Tokens)
    token_requests: list[dict[str, str]] = field(default_factory=list)
    """The form of every request for a token, `tenant` added."""
    paths_asked: list[tuple[str, str]] = field(default_factory=list)
    """Method and path of every request."""
    delay_seconds: float = 0.0
    """How long the token endpoint thinks, so that two may be at it at once."""
    troubles: list[Answer] = field(default_factory=list)
    """Given by the token endpoint instead of its own answers, one each, e.g. 429 or 503."""
    device_interval_seconds: int = 5
    grants: Grants = field(init=False)
    _pages: dict[str, Asked] = field(default_factory=dict, repr=False)
    _user_codes: dict[str, str] = field(default_factory=dict, repr=False)
    _connections: set[Any] = field(default_factory=set, repr=False)
    _server: ThreadingHTTPServer | None = field(default=None, repr=False)
    _thread: threading.Thread | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.grants = Grants(self.directory, self.tokens)

    @property
    def authority(self) -> str:
        """What stands before the tenant."""
        assert self._server is not None, "not started"
        return f"https://localhost:{self._server.server_address[1]}"

    @property
    def ca_file(self) -> Path:
        return CERTIFICATE

    def claims_of(self, token: str) -> dict[str, Any] | None:
        """The claims of an access token that is good now; None for every other."""
        return self.tokens.claims_of(token)

    def revoke(self, address: str) -> None:
        """An admin ends all sign-ins of a person: refresh tokens, and access tokens too."""
        self.directory.user(address).revoked_at = self.tokens.clock()

    def issue(self, address: str, client_id: str, scopes: set[str]) -> dict[str, Any]:
        """A consent and its tokens, without any page: the answer of the token endpoint."""
        app, user = self.directory.apps[client_id], self.directory.user(address)
        app.consented(user).update(scopes)
        return self.grants.delegated(app, user, scopes, nonce="", with_refresh=True)

    def start(self) -> "MicrosoftIdentity":
        identity = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 30

            def setup(self) -> None:
                identity._connections.add(self.request)
                super().setup()

            def finish(self) -> None:
                super().finish()
                identity._connections.discard(self.request)

            def do_POST(self) -> None:
                identity.serve(self)

            def do_GET(self) -> None:
                identity.serve(self)

            def log_message(self, *_: Any) -> None:
                """Tests need no access log."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(CERTIFICATE)
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._server = server
        self.grants.authority = self.authority
        self._thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            for connection in list(self._connections):
                # Clients keep theirs open; the threads that serve them end with this.
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._thread.join(5)

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one HTTP request."""
        body = request.rfile.read(int(request.headers.get("Content-Length", 0))).decode()
        path, _, query = request.path.partition("?")
        self.paths_asked.append((request.command, path))
        form = _single(body if request.command == "POST" else query)
        try:
            answer = self._answer(request.command, path, form)
        except SignInRefused as refused:
            answer = self._refusal(request.command, path, refused)
        text = isinstance(answer.body, str)
        data = (answer.body if text else json.dumps(answer.body)).encode()
        request.send_response(answer.status)
        request.send_header(
            "Content-Type", "text/html; charset=utf-8" if text else "application/json"
        )
        request.send_header("Content-Length", str(len(data)))
        for name, value in answer.headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(data)

    def _refusal(self, method: str, path: str, refused: SignInRefused) -> Answer:
        for_people = path.endswith("/authorize") or path in ("/login", "/consent", "/devicelogin")
        if for_people:
            return Answer(pages.sorry(str(refused)), 400)
        return Answer(refused.document(self.tokens.clock()), refused.status)

    def _answer(self, method: str, path: str, form: dict[str, str]) -> Answer:
        people: dict[tuple[str, str], Callable[[dict[str, str]], Answer]] = {
            ("POST", "/login"): self._login,
            ("POST", "/consent"): self._consent,
            ("GET", "/devicelogin"): lambda _: Answer(pages.enter_code("/devicelogin")),
            ("POST", "/devicelogin"): self._device_page,
        }
        if (method, path) in people:
            return people[method, path](form)
        tenant, _, rest = path.removeprefix("/").partition("/")
        programs: dict[tuple[str, str], Callable[[str, dict[str, str]], Answer]] = {
            ("GET", "v2.0/.well-known/openid-configuration"): self._discovery,
            ("GET", "discovery/v2.0/keys"): lambda *_: Answer(self.tokens.jwks()),
            ("GET", "oauth2/v2.0/authorize"): self._authorize,
            ("POST", "oauth2/v2.0/token"): self._token,
            ("POST", "oauth2/v2.0/devicecode"): self._device_code,
        }
        serve = programs.get((method, rest))
        return serve(tenant, form) if serve else Answer({"error": "not_found"}, 404)

    def _discovery(self, tenant_named: str, _: dict[str, str]) -> Answer:
        tenant = self.directory.tenant_of(tenant_named)
        here = f"{self.authority}/{tenant_named}"
        shown = tenant if tenant in self.directory.tenants else "{tenantid}"
        return Answer(
            {
                "issuer": f"{self.authority}/{shown}/v2.0",
                "authorization_endpoint": f"{here}/oauth2/v2.0/authorize",
                "token_endpoint": f"{here}/oauth2/v2.0/token",
                "device_authorization_endpoint": f"{here}/oauth2/v2.0/devicecode",
                "jwks_uri": f"{here}/discovery/v2.0/keys",
                "response_modes_supported": ["query"],
                "response_types_supported": ["code"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    def _authorize(self, tenant_named: str, form: dict[str, str]) -> Answer:
        if set(form) - _AUTHORIZE_FIELDS - {f for f in form if f.startswith("x-client-")}:
            raise SignInRefused("invalid_request", 90014, "An unknown field was sent.")
        tenant = self.directory.tenant_of(tenant_named)
        app = self.directory.app(form.get("client_id", ""), tenant)
        redirect_uri = form.get("redirect_uri", "")
        if redirect_uri not in app.redirect_uris:
            raise SignInRefused(
                "invalid_request", 50011, f"The redirect URI '{redirect_uri}' specified in the "
                "request does not match the redirect URIs configured for the application "
                f"'{app.client_id}'.",
            )  # fmt: skip
        proper = form.get("response_type") == "code" and (
            form.get("code_challenge_method", "S256") == "S256"
        )
        if not proper or form.get("response_mode", "query") != "query":
            raise SignInRefused("unsupported_response_type", 70005, "Only `code` by query.")
        scopes = set(form.get("scope", "").split())
        self._must_be_registered(app, scopes)
        asked = Asked(
            tenant, app.client_id, scopes, self.tokens.clock() + CODE_SECONDS, redirect_uri,
            form.get("state", ""), form.get("nonce", ""), form.get("code_challenge", ""),
            form.get("login_hint", ""),
        )  # fmt: skip
        return Answer(self._pick(asked))

    def _pick(self, asked: Asked) -> str:
        ctx = secrets.token_urlsafe(12)
        self._pages[ctx] = asked
        known = [one.address for one in self.directory.users.values()]
        return pages.pick_account("/login", ctx, known, asked.login_hint)

    def _login(self, form: dict[str, str]) -> Answer:
        ctx = form.get("ctx", "")
        asked = self._page(ctx)
        user = self.directory.user(form.get("account", ""))
        app = self.directory.apps[asked.client_id]
        self.directory.may_sign_in(user, app, asked.tenant)
        # Whoever is here has passed whatever was asked, and anew.
        user.needs_mfa = False
        asked.user = user
        lacking = asked.scopes - OIDC_SCOPES - app.consented(user)
        if not lacking:
            return self._granted(asked, user)
        if app.admin_consent_only:
            raise SignInRefused(
                "access_denied", 90094, f"{app.name} needs permission to access resources in "
                "your organization that only an admin can grant. Please ask an admin to grant "
                "permission to this app before you can use it.",
            )  # fmt: skip
        return Answer(pages.ask_consent("/consent", ctx, app.name, sorted(lacking)))

    def _consent(self, form: dict[str, str]) -> Answer:
        asked = self._page(form.get("ctx", ""))
        user = asked.user
        if user is None:
            raise SignInRefused("invalid_request", 90014, "Nobody signed in.")
        if form.get("consent") != "accept":
            return self._declined(asked)
        self.directory.apps[asked.client_id].consented(user).update(asked.scopes - OIDC_SCOPES)
        return self._granted(asked, user)

    def _granted(self, asked: Asked, user: User) -> Answer:
        asked.user = user
        if not asked.redirect_uri:
            return Answer(pages.page("You have signed in", "<p>You may close this window.</p>"))
        return _redirect(asked, {"code": self._code_for(asked, user)})

    def _declined(self, asked: Asked) -> Answer:
        asked.user, asked.refused = None, True
        if not asked.redirect_uri:
            return Answer(pages.page("Cancelled", "<p>You may close this window.</p>"))
        return _redirect(
            asked,
            {
                "error": "access_denied",
                "error_subcode": "cancel",
                "error_description": "AADSTS65004: User declined to consent to access the app.",
            },
        )

    def _code_for(self, asked: Asked, user: User) -> str:
        asked.user = user
        code = f"0.C{secrets.token_urlsafe(32)}"
        self.grants.codes[code] = asked
        return code

    def _page(self, ctx: str) -> Asked:
        if ctx not in self._pages:
            raise SignInRefused("invalid_request", 90014, "This page is too old.")
        return self._pages[ctx]

    def _token(self, tenant: str, form: dict[str, str]) -> Answer:
        self.token_requests.append({**form, "tenant": tenant})
        with self.grants.counted(form):
            time.sleep(self.delay_seconds)
            if self.troubles:
                return self.troubles.pop(0)
            return Answer(self.grants.grant(tenant, form))

    def _device_code(self, tenant_named: str, form: dict[str, str]) -> Answer:
        tenant = self.directory.tenant_of(tenant_named)
        app = self.directory.app(form.get("client_id", ""), tenant)
        if not app.public_client:
            raise SignInRefused(
                "invalid_client", 7000218, "The request body must contain the following "
                "parameter: 'client_assertion' or 'client_secret'.", status=401,
            )  # fmt: skip
        scopes = set(form.get("scope", "").split())
        self._must_be_registered(app, scopes)
        device_code, user_code = f"D{secrets.token_urlsafe(32)}", new_user_code()
        ends_at = self.tokens.clock() + DEVICE_SECONDS
        self.grants.devices[device_code] = Asked(tenant, app.client_id, scopes, ends_at)
        self._user_codes[user_code] = device_code
        where = f"{self.authority}/devicelogin"
        return Answer(
            {
                "user_code": user_code,
                "device_code": device_code,
                "verification_uri": where,
                "expires_in": DEVICE_SECONDS,
                "interval": self.device_interval_seconds,
                "message": f"To sign in, use a web browser to open the page {where} and enter the "
                f"code {user_code} to authenticate.",
            }
        )

    def _device_page(self, form: dict[str, str]) -> Answer:
        typed = form.get("user_code", "").strip().upper()
        asked = self.grants.devices.get(self._user_codes.get(typed, ""))
        if asked is None or asked.expires_at <= self.tokens.clock():
            wrong = "That code didn't work. Check the code and try again."
            return Answer(pages.enter_code("/devicelogin", wrong))
        return Answer(self._pick(asked))

    def _must_be_registered(self, app: AppRegistration, scopes: set[str]) -> None:
        """Unlike Microsoft, which would ask for any scope: ours are those of the guide."""
        if scopes - OIDC_SCOPES - app.delegated:
            raise SignInRefused(
                "invalid_scope", 70011, "The provided value for the input parameter 'scope' is not "
                "valid.",
            )  # fmt: skip


def _single(text: str) -> dict[str, str]:
    found = parse_qs(text, keep_blank_values=True)
    twice = [name for name, values in found.items() if len(values) > 1]
    if twice:
        return {"duplicate": twice[0]}
    return {name: values[0] for name, values in found.items()}


def _redirect(asked: Asked, said: dict[str, str]) -> Answer:
    query = urlencode({**said, **({"state": asked.state} if asked.state else {})})
    return Answer("", 302, {"Location": f"{asked.redirect_uri}?{query}"})
