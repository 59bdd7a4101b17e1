"""The door for Graph's notices: keeps the hint, then answers; what a notice says is not believed.

Graph wants its word back as plain text within ten seconds when a subscription is made, and 2xx
within three for a notice, which it repeats for four hours otherwise (Graph, "notification endpoint
validation" and "change-notifications-delivery-webhooks").
"""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ingest_graph.domain.hints import LIFECYCLE, Hint
from ingest_graph.domain.subscription import Subscription, is_from_graph
from ingest_graph.metrics import Metrics
from ingest_graph.ports import Hints, Subscriptions
from ingest_graph.subscribing import HOOKS
from postbus.errors import TemporaryError

_MOST_BYTES: Final = 256 * 1024
ChannelId = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
FolderKey = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")]
Word = Annotated[str | None, Query(alias="validationToken", max_length=4096)]


class Notice(BaseModel):
    """What is looked at of a notice."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    subscription_id: str = Field(alias="subscriptionId", max_length=200)
    client_state: str = Field(alias="clientState", default="", max_length=200)
    lifecycle_event: str | None = Field(alias="lifecycleEvent", default=None, max_length=100)


class Notices(BaseModel):
    """The body of a POST: a few at once, of any subscription with this address."""

    model_config = ConfigDict(extra="ignore")

    value: list[Notice] = Field(max_length=1000)


def routes(hints: Hints, subscriptions: Subscriptions, metrics: Metrics) -> APIRouter:
    """The one route; Graph tells changes and lifecycle events by it."""
    router = APIRouter()

    @router.post(f"{HOOKS}/{{channel}}/{{folder}}")
    async def notices(
        request: Request, channel: ChannelId, folder: FolderKey, word: Word = None
    ) -> Response:
        if word is not None:
            return Response(word, media_type="text/plain", headers=_PLAIN)
        told = await _read(request)
        if told is None:
            metrics.notices.labels("unreadable").inc()
            return Response(status_code=400)
        try:
            known = await subscriptions.get(channel, folder)
            for hint in _believed(told, known, metrics):
                await hints.put(channel, folder, hint)
        except TemporaryError:
            # Graph comes again; acknowledged, it would be lost.
            return Response(status_code=503, headers={"Retry-After": "10"})
        return Response(status_code=202)

    return router


_PLAIN: Final = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
"""The word is a stranger's, so it must be nothing but text to a browser."""


async def _read(request: Request) -> Notices | None:
    """The notices; None if the body is too long or says something else."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_BYTES:
            return None
    try:
        return Notices.model_validate_json(bytes(body))
    except ValidationError:
        return None


def _believed(told: Notices, known: Subscription | None, metrics: Metrics) -> set[Hint]:
    """The hints of those that Graph proved to be its own; the others are only counted."""
    found = set[Hint]()
    for notice in told.value:
        if not is_from_graph(known, notice.client_state, notice.subscription_id):
            metrics.notices.labels("unknown").inc()
            continue
        metrics.notices.labels("heard").inc()
        if notice.lifecycle_event is None:
            found.add(Hint.NEWS)
        else:
            found |= {one for one in LIFECYCLE if one == notice.lifecycle_event}
    return found
