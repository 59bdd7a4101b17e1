"""A stand-in for Google's consent page and token endpoint, over HTTPS: RFC 6749 §4.1 with PKCE.

It keeps to what Google documents ("Using OAuth 2.0 for Web Server Applications"): a refresh token
only for `access_type=offline`, a code good once, and the scopes that the person ticked.
"""

import base64
import json
import secrets
import ssl
import threading
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

CERTIFICATE = Path(__file__).with_name("localhost.pem")
MAIL_SCOPE = "https://mail.google.com/"


@dataclass
class Person:
    """What whoever sits at the browser does, and what Google makes of it."""

    consents: bool = True
    granted: str = MAIL_SCOPE
    gives_refresh_token: bool = True
    token_answer: tuple[int, dict[str, str]] | None = None


@dataclass
class GoogleSignIn:
    """One OAuth client is known; `asked` are the questions at the consent page."""

    client_id: str = "client.apps.googleusercontent.com"
    client_secret: str = "client-secret"
    person: Person = field(default_factory=Person)
    asked: list[dict[str, str]] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    given: list[str] = field(default_factory=list)

    def start(self) -> "GoogleSignIn":
        google = self

        class Handler(_Handler):
            def __init__(self, *args: object) -> None:
                self.google = google
                super().__init__(*args)  # type: ignore[arg-type]

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"https://localhost:{self._server.server_address[1]}"

    def consent(self, asked: dict[str, str]) -> str:
        """Where the browser is sent."""
        self.asked.append(asked)
        if not self.person.consents:
            back = {"error": "access_denied", "state": asked["state"]}
        else:
            code = f"4/{secrets.token_urlsafe(16)}"
            self.codes[code] = asked
            back = {"state": asked["state"], "code": code, "scope": self.person.granted}
        return f"{asked['redirect_uri']}?{urlencode(back)}"

    def token(self, form: dict[str, str], client: tuple[str, str]) -> tuple[int, dict[str, object]]:
        """The answer of the token endpoint (RFC 6749 §5)."""
        if self.person.token_answer is not None:
            status, answer = self.person.token_answer
            return status, dict(answer)
        if client != (self.client_id, self.client_secret):
            return 401, {"error": "invalid_client", "error_description": "Unauthorized"}
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None or form.get("redirect_uri") != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant", "error_description": "Malformed auth code."}
        digest = sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != asked["code_challenge"]:
            return 400, {"error": "invalid_grant", "error_description": "Missing code verifier."}
        answer = {"access_token": "ya29.x", "expires_in": 3599, "token_type": "Bearer"}
        offline = asked.get("access_type") == "offline" and asked.get("prompt") == "consent"
        if offline and self.person.gives_refresh_token:
            self.given.append(f"1//{secrets.token_urlsafe(16)}")
            answer["refresh_token"] = self.given[-1]
        return 200, {**answer, "scope": self.person.granted}


class _Handler(BaseHTTPRequestHandler):
    google: GoogleSignIn

    def do_GET(self) -> None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        self.send_response(302)
        self.send_header("Location", self.google.consent(asked))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        status, answer = self.google.token(form, self._client(form))
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _client(self, form: dict[str, str]) -> tuple[str, str]:
        header = self.headers.get("Authorization", "")
        if header.startswith("Basic "):
            name, _, secret = base64.b64decode(header[6:]).decode().partition(":")
            return name, secret
        return form.get("client_id", ""), form.get("client_secret", "")

    def log_message(self, *_: object) -> None:
        """Say nothing."""
