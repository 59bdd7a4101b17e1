"""A stand-in for Google's token endpoint, over real HTTPS (RFC 6749 §6, RFC 7523 §2.1)."""

import json
import secrets
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from google.auth import jwt

CERTIFICATE = Path(__file__).with_name("localhost.pem")
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCE = "https://oauth2.googleapis.com/token"
"""What google-auth writes into an assertion, wherever it sends it."""
MAIL_SCOPE = "https://mail.google.com/"


class Refused(Exception):
    """An answer with a status and Google's word for it."""

    def __init__(self, error: str, description: str = "", *, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status


@dataclass
class GoogleServer:
    """Knows clients, consents and keys; gives out access tokens and remembers whose they are.

    What its fields say may be changed while it runs: take a refresh token away to revoke it, an
    access token to end it before its time. `paths` takes further pages: (method, path) → answer.
    """

    clients: dict[str, str] = field(default_factory=dict)
    """Client id → its secret."""
    refresh_tokens: dict[str, str] = field(default_factory=dict)
    """Refresh token → the address of the mailbox."""
    service_account_public_keys: dict[str, str] = field(default_factory=dict)
    """`client_email` → public key or certificate, PEM."""
    delegated: set[str] | None = None
    """Mailboxes that service accounts may act for; None: all."""
    access_tokens: dict[str, str] = field(default_factory=dict)
    """Access tokens that are good now → the address of the mailbox."""
    expires_in: int = 3600
    token_requests: list[dict[str, str]] = field(default_factory=list)
    """The form of every request for a token."""
    paths: dict[tuple[str, str], Any] = field(default_factory=dict)
    _server: ThreadingHTTPServer | None = field(default=None, repr=False)
    _thread: threading.Thread | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def port(self) -> int:
        assert self._server is not None, "not started"
        return int(self._server.server_address[1])

    @property
    def base_url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def token_url(self) -> str:
        return f"{self.base_url}/token"

    @property
    def tokeninfo_url(self) -> str:
        """Where a mail server asks whose an access token is; the token goes behind it."""
        return f"https://localhost:{self.port}/tokeninfo?access_token="

    @property
    def ca_file(self) -> Path:
        return CERTIFICATE

    @property
    def token_count(self) -> int:
        """How often a token was asked for, refusals included."""
        return len(self.token_requests)

    def start(self) -> "GoogleServer":
        google = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                google.serve(self)

            def do_GET(self) -> None:
                google.serve(self)

            def log_message(self, *_: Any) -> None:
                """Tests need no access log."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(CERTIFICATE)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join(5)

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one HTTP request."""
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        path, _, query = request.path.partition("?")
        form = {key: values[0] for key, values in parse_qs(body.decode() or query).items()}
        page = self.paths.get((request.command, path))
        try:
            if page is not None:
                answer, status = page(form), 200
            elif (request.command, path) == ("POST", "/token"):
                answer, status = self._token(form), 200
            elif (request.command, path) == ("GET", "/tokeninfo"):
                answer, status = self._tokeninfo(form), 200
            else:
                answer, status = {"error": "not_found"}, 404
        except Refused as refused:
            answer = {"error": refused.error, "error_description": refused.description}
            status = refused.status
        data = json.dumps(answer).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    def issue(self, address: str) -> dict[str, Any]:
        """The answer with a new access token for a mailbox."""
        token = f"ya29.{secrets.token_urlsafe(24)}"
        self.access_tokens[token] = address
        return {
            "access_token": token,
            "expires_in": self.expires_in,
            "token_type": "Bearer",
            "scope": MAIL_SCOPE,
        }

    def must_be_client(self, form: dict[str, str]) -> None:
        """Refuse a client that is unknown, or has another secret (RFC 6749 §5.2)."""
        if self.clients.get(form.get("client_id", "")) != form.get("client_secret", ""):
            raise Refused("invalid_client", "The OAuth client was not found.", status=401)

    def _token(self, form: dict[str, str]) -> dict[str, Any]:
        with self._lock:
            self.token_requests.append(form)
            if form.get("grant_type") == "refresh_token":
                return self._refresh(form)
            if form.get("grant_type") == JWT_BEARER:
                return self._service_account(form)
            raise Refused("unsupported_grant_type")

    def _tokeninfo(self, form: dict[str, str]) -> dict[str, Any]:
        address = self.access_tokens.get(form.get("access_token", ""))
        if address is None:
            raise Refused("invalid_token", "Invalid Value")
        return {"email": address, "scope": MAIL_SCOPE, "expires_in": self.expires_in}

    def _refresh(self, form: dict[str, str]) -> dict[str, Any]:
        self.must_be_client(form)
        address = self.refresh_tokens.get(form.get("refresh_token", ""))
        if address is None:
            raise Refused("invalid_grant", "Token has been expired or revoked.")
        return self.issue(address)

    def _service_account(self, form: dict[str, str]) -> dict[str, Any]:
        assertion = form.get("assertion", "")
        try:
            claimed = jwt.decode(assertion, verify=False)
            key = self.service_account_public_keys[claimed["iss"]]
            claims = jwt.decode(assertion, certs=key, audience=[AUDIENCE, self.token_url])
        except (ValueError, KeyError) as error:
            raise Refused("invalid_grant", "Invalid JWT Signature.") from error
        if claims.get("scope") != MAIL_SCOPE:
            raise Refused("invalid_scope", "Empty or missing scope not allowed.")
        subject = claims.get("sub", "")
        if self.delegated is not None and subject not in self.delegated:
            raise Refused(
                "unauthorized_client",
                "Client is unauthorized to retrieve access tokens using this method.",
                status=401,
            )
        return self.issue(subject)
