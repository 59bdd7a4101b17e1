"""Graph, for one mailbox at a time: within its limits, with a token, with ids that do not change.

Ids of Outlook change when a mail is moved, unless every single call asks for immutable ones ("Get
immutable identifiers for Outlook resources").
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx
import orjson
from prometheus_client import CollectorRegistry, Counter

from postbus.connecting.credentials import MicrosoftCredential
from postbus.contracts.base import JsonObject
from postbus.contracts.configuration import GraphAccess
from postbus.errors import MailHostUnavailable, NotConfigured
from postbus.microsoft.errors import Refusal, TooLarge, refusal_of
from postbus.microsoft.limits import Allowance, MailboxLimits
from postbus.microsoft.tokens import MicrosoftTokens, Resource

_IMMUTABLE: Final = 'IdType="ImmutableId"'
_SECONDS: Final = 60.0
_CONTENT_SECONDS: Final = 300.0
_PAUSE_SECONDS: Final = 10.0
"""After a 429 without Retry-After; whoever calls backs off by itself, too."""
BATCH_PARTS: Final = 20
"""In one $batch ("Combine multiple HTTP requests using JSON batching")."""


@dataclass(frozen=True)
class Part:
    """One request of a batch; the path as in `call`."""

    method: str
    path: str
    json: JsonObject | None = None


@dataclass(frozen=True)
class PartAnswer:
    """What became of a part; `body` is empty where there was none."""

    status: int
    code: str = ""
    body: JsonObject = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether it was done."""
        return 200 <= self.status < 300


class Graph:
    """One for a process; `http` goes by a `ReachingTransport` where admins name the server."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        tokens: MicrosoftTokens,
        limits: MailboxLimits,
        registry: CollectorRegistry | None = None,
    ) -> None:
        self._http = http
        self._tokens = tokens
        self._limits = limits
        self._count = Counter(
            "postbus_graph_requests", "Requests to Graph by outcome", ["outcome"], registry=registry
        )

    def mailbox(self, access: GraphAccess, credential: MicrosoftCredential) -> "GraphMailbox":
        """A mailbox, opened as the credential says."""
        allowance = self._limits.of(credential.client.client_id, access.mailbox)
        return GraphMailbox(self._http, self._tokens, allowance, self._count, access, credential)

    async def close(self) -> None:
        """Close every connection, and the tokens."""
        await self._http.aclose()
        await self._tokens.close()


class GraphMailbox:
    """A mailbox of Microsoft 365.

    Every method raises MailHostUnavailable, CredentialsRejected, NotConfigured, GraphRefused (see
    `errors`), and BusUnavailable.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        tokens: MicrosoftTokens,
        allowance: Allowance,
        count: Counter,
        access: GraphAccess,
        credential: MicrosoftCredential,
    ) -> None:
        self._http = http
        self._tokens = tokens
        self._allowance = allowance
        self._count = count
        self._credential = credential
        self._base = access.base_url.rstrip("/")
        self._own = f"/users/{quote(access.mailbox, safe='@')}"

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        json: JsonObject | None = None,
        prefer: Sequence[str] = (),
        upload_bytes: int = 0,
        before: Callable[[], Awaitable[None]] | None = None,
    ) -> JsonObject:
        """The JSON that is answered, empty where there is none.

        `path` is under the mailbox (`messages/…`), or under the base where it begins with a slash
        (`/subscriptions`). `before` is awaited when the request may go, right before it does.
        """
        async with self._allowance.slots(upload_bytes=upload_bytes):
            if before is not None:
                # The token first: what may fail by itself must not come after it.
                await self._tokens.token(self._credential, Resource.GRAPH)
                await before()
            url = self._base + self._under_base(path)
            answer = await self._answer(method, url, params=params, json=json, prefer=prefer)
            return _json(answer)

    async def follow(self, link: str) -> JsonObject:
        """What a nextLink or deltaLink leads to; NotConfigured where it leads elsewhere."""
        if not _is_under(link, self._base):
            raise NotConfigured("Graph gave a link to another server", reason="foreign-link")
        async with self._allowance.slots():
            return _json(await self._answer("GET", link))

    async def content(self, path: str, *, at_most: int) -> bytes:
        """The bytes of `…/$value`. TooLarge as soon as there are more than `at_most`."""
        url = self._base + self._under_base(path)
        async with self._allowance.slots(), asyncio.timeout(_CONTENT_SECONDS) as limit:
            try:
                async with self._streamed(url) as answer:
                    return await _read(answer, at_most)
            except TimeoutError as error:
                if not limit.expired():
                    raise
                raise _late() from error

    async def batch(self, parts: Sequence[Part]) -> list[PartAnswer]:
        """The answers in the order of the parts.

        Parts run at once as far as the mailbox's limit lets them, so a batch has no more of them
        than there are places free.
        """
        answers: list[PartAnswer] = []
        while len(answers) < len(parts):
            wanted = min(len(parts) - len(answers), BATCH_PARTS)
            async with self._allowance.slots(wanted) as held:
                some = parts[len(answers) : len(answers) + held]
                answers += await self._batch(some)
        return answers

    async def put_range(self, upload_url: str, data: bytes, first: int, total: int) -> JsonObject:
        """Put bytes of an upload session; what it says, empty when it is done.

        The address is signed by Microsoft and leads to another server; it gets no token ("Attach
        large files to Outlook messages").
        """
        if not upload_url.startswith("https://"):
            raise NotConfigured("Graph gave an address without TLS", reason="foreign-link")
        async with self._allowance.slots(upload_bytes=len(data)):
            answer = await self._send(
                "PUT",
                upload_url,
                content=data,
                headers={
                    "Content-Range": f"bytes {first}-{first + len(data) - 1}/{total}",
                    "Content-Type": "application/octet-stream",
                },
                seconds=_CONTENT_SECONDS,
            )
            await self._must_be_fine(answer)
            return _json(answer)

    async def upload_status(self, upload_url: str) -> JsonObject:
        """What an upload session still expects (`nextExpectedRanges`)."""
        async with self._allowance.slots():
            answer = await self._send("GET", upload_url, headers={})
            await self._must_be_fine(answer)
            return _json(answer)

    async def _batch(self, parts: Sequence[Part]) -> list[PartAnswer]:
        requests = [
            {
                "id": str(number),
                "method": part.method,
                "url": self._under_base(part.path),
                "headers": {"Prefer": _IMMUTABLE}
                | ({"Content-Type": "application/json"} if part.json is not None else {}),
            }
            | ({"body": part.json} if part.json is not None else {})
            for number, part in enumerate(parts)
        ]
        answer = await self._answer("POST", f"{self._base}/$batch", json={"requests": requests})
        found = {str(one["id"]): one for one in _json(answer).get("responses", [])}
        return [await self._part(found.get(str(number), {})) for number in range(len(parts))]

    async def _part(self, one: JsonObject) -> PartAnswer:
        status, body = int(one.get("status", 504)), one.get("body")
        said = refusal_of(status, body, (one.get("headers") or {}).get("Retry-After"))
        if status == 429:
            await self._slow_down(said)
        self._count.labels(_outcome(status)).inc()
        return PartAnswer(status, said.code, body if isinstance(body, dict) else {})

    def _under_base(self, path: str) -> str:
        return path if path.startswith("/") else f"{self._own}/{path}"

    async def _answer(
        self,
        method: str,
        url: str,
        *,
        params: dict[str, str] | None = None,
        json: JsonObject | None = None,
        prefer: Sequence[str] = (),
    ) -> httpx.Response:
        """The answer of Graph, which is 2xx; a token that is refused is replaced once."""
        content = None if json is None else orjson.dumps(json)
        for anew in (False, True):
            headers = await self._headers(anew=anew, prefer=prefer)
            if content is not None:
                headers["Content-Type"] = "application/json"
            answer = await self._send(method, url, params=params, content=content, headers=headers)
            if answer.status_code != 401:
                break
        await self._must_be_fine(answer)
        return answer

    async def _send(
        self, method: str, url: str, *, seconds: float = _SECONDS, **what: Any
    ) -> httpx.Response:
        try:
            async with asyncio.timeout(seconds) as limit:
                answer = await self._http.request(method, url, timeout=seconds, **what)
        except (TimeoutError, httpx.TransportError, MailHostUnavailable) as error:
            self._count.labels("lost").inc()
            if isinstance(error, MailHostUnavailable):
                raise
            if isinstance(error, TimeoutError) and not limit.expired():
                raise
            raise _late() from error
        self._count.labels(_outcome(answer.status_code)).inc()
        return answer

    @asynccontextmanager
    async def _streamed(self, url: str) -> AsyncIterator[httpx.Response]:
        for anew in (False, True):
            headers = await self._headers(anew=anew, prefer=())
            async with self._http.stream(
                "GET", url, headers=headers, timeout=_CONTENT_SECONDS
            ) as answer:
                self._count.labels(_outcome(answer.status_code)).inc()
                if answer.status_code == 401 and not anew:
                    continue
                if not answer.is_success:
                    await answer.aread()
                    await self._must_be_fine(answer)
                yield answer
                return

    async def _headers(self, *, anew: bool, prefer: Sequence[str]) -> dict[str, str]:
        token = await self._tokens.token(self._credential, Resource.GRAPH, anew=anew)
        return {
            "Authorization": f"Bearer {token.get_secret_value()}",
            "Accept": "application/json",
            "Prefer": ", ".join((_IMMUTABLE, *prefer)),
        }

    async def _must_be_fine(self, answer: httpx.Response) -> None:
        if answer.is_success:
            return
        said = refusal_of(answer.status_code, _json(answer), answer.headers.get("Retry-After"))
        if said.status == 429 or said.slows_down:
            await self._slow_down(said)
        raise said.error()

    async def _slow_down(self, said: Refusal) -> None:
        seconds = said.retry_after_seconds
        await self._allowance.pause(_PAUSE_SECONDS if seconds is None else seconds)


def _json(answer: httpx.Response) -> JsonObject:
    try:
        found = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


async def _read(answer: httpx.Response, at_most: int) -> bytes:
    found = bytearray()
    async for piece in answer.aiter_bytes():
        found += piece
        if len(found) > at_most:
            raise TooLarge(f"there are more than {at_most} bytes")
    return bytes(found)


def _is_under(link: str, base: str) -> bool:
    """Same scheme, server and path; whoever has the link gets the token."""
    one, other = urlsplit(link), urlsplit(base)
    same = (one.scheme, one.netloc.lower()) == (other.scheme, other.netloc.lower())
    path = one.path.lower()
    return same and path.startswith(f"{other.path.lower()}/") and ".." not in path


def _outcome(status: int) -> str:
    if 200 <= status < 300:
        return "ok"
    return "throttled" if status == 429 else f"{status // 100}xx"


def _late() -> MailHostUnavailable:
    return MailHostUnavailable(
        "Graph did not answer in time", reason="timeout", advice="It is tried again by itself."
    )
