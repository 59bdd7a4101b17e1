"""A mailbox of Microsoft 365, spoken with by Graph."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from ingest_graph.adapters.graph_folders import GraphFolders
from ingest_graph.domain.subscription import Subscription, hash_of
from ingest_graph.ports import (
    Brief,
    MailGone,
    MailTooLarge,
    NotGiven,
    Page,
    ResyncNeeded,
    SubscriptionGone,
)
from postbus.contracts.base import JsonObject
from postbus.errors import MailHostUnavailable, NotConfigured
from postbus.microsoft.client import GraphMailbox, Part, PartAnswer
from postbus.microsoft.errors import GraphRefused, TooLarge

_SELECT: Final = "id,receivedDateTime"
_PAGE: Final = 200
_MOST_LISTED: Final = 1000
_COMES_AGAIN: Final = (408, 409, 429)
_RESYNC: Final = ("syncstatenotfound", "resyncrequired", "syncstateinvalid", "resyncchanges")


class Mailbox365(GraphFolders):
    """The port `Mailbox`."""

    def __init__(self, graph: GraphMailbox, address: str) -> None:
        super().__init__(graph)
        self._address = address

    async def news(self, folder_id: str, link: str | None) -> Page:
        """By delta query; only what came into the folder is asked for ("message: delta")."""
        try:
            if link is None:
                found = await self._graph.call(
                    "GET",
                    f"mailFolders/{folder_id}/messages/delta",
                    params={"$select": _SELECT, "changeType": "created"},
                    prefer=(f"odata.maxpagesize={_PAGE}",),
                )
            else:
                found = await self._graph.follow(link)
        except GraphRefused as error:
            if error.status == HTTPStatus.GONE or error.code.lower() in _RESYNC:
                raise ResyncNeeded(str(error)) from error
            raise
        following = found.get("@odata.nextLink")
        last = found.get("@odata.deltaLink")
        if not following and not last:
            raise MailHostUnavailable("Graph gave neither news nor a link", reason="unavailable")
        return Page(_briefs(found), str(following or last), is_last=not following)

    async def listed(
        self, folder_id: str, *, since: datetime | None
    ) -> AsyncIterator[Sequence[Brief]]:
        params = {
            "$select": _SELECT,
            "$orderby": "receivedDateTime",
            "$top": str(_MOST_LISTED),
        }
        if since is not None:
            params["$filter"] = f"receivedDateTime ge {_time(since)}"
        found = await self._graph.call("GET", f"mailFolders/{folder_id}/messages", params=params)
        while True:
            yield _briefs(found)
            following = found.get("@odata.nextLink")
            if not following:
                return
            found = await self._graph.follow(str(following))

    async def older(self, folder_id: str, *, until: datetime, at_most: int) -> Sequence[Brief]:
        found = await self._graph.call(
            "GET",
            f"mailFolders/{folder_id}/messages",
            params={
                "$select": _SELECT,
                "$filter": f"receivedDateTime le {_time(until)}",
                "$orderby": "receivedDateTime desc",
                "$top": str(at_most),
            },
        )
        return _briefs(found)

    async def mime(self, id_: str, *, at_most: int) -> bytes:
        try:
            return await self._graph.content(f"messages/{id_}/$value", at_most=at_most)
        except TooLarge as error:
            raise MailTooLarge(str(error)) from error
        except GraphRefused as error:
            if error.status == HTTPStatus.NOT_FOUND:
                raise MailGone(id_) from error
            raise NotGiven(str(error)) from error

    async def head(self, id_: str) -> bytes:
        try:
            found = await self._graph.call(
                "GET", f"messages/{id_}", params={"$select": "internetMessageHeaders,subject"}
            )
        except GraphRefused as error:
            if error.status == HTTPStatus.NOT_FOUND:
                raise MailGone(id_) from error
            raise
        headers = found.get("internetMessageHeaders") or []
        lines = [f"{_line(one.get('name'))}: {_line(one.get('value'))}" for one in headers]
        return "".join(f"{line}\r\n" for line in lines).encode("utf-8", "replace")

    async def mark_read(self, ids: Sequence[str]) -> Sequence[str]:
        parts = [Part("PATCH", f"messages/{id_}", {"isRead": True}) for id_ in ids]
        return _done(ids, await self._graph.batch(parts))

    async def move(self, ids: Sequence[str], folder_id: str) -> Sequence[str]:
        there = {"destinationId": folder_id}
        parts = [Part("POST", f"messages/{id_}/move", there) for id_ in ids]
        return _done(ids, await self._graph.batch(parts))

    async def subscribe(
        self, folder_id: str, *, hook: str, client_state: str, until: datetime
    ) -> Subscription:
        """As "subscription resource type" says; Graph tries the address before it answers."""
        wanted: JsonObject = {
            "changeType": "created",
            "notificationUrl": hook,
            # It can be given now only ("change-notifications-lifecycle-events").
            "lifecycleNotificationUrl": hook,
            "resource": f"/users/{self._address}/mailFolders('{folder_id}')/messages",
            "expirationDateTime": _time(until),
            "clientState": client_state,
        }
        with _subscription_errors():
            made = await self._graph.call("POST", "/subscriptions", json=wanted)
        return Subscription(
            id=str(made["id"]),
            folder_id=folder_id,
            hook=hook,
            client_state_sha256=hash_of(client_state),
            expires_at=_moment(made["expirationDateTime"]),
        )

    async def renew(self, subscription: Subscription, *, until: datetime) -> Subscription:
        with _subscription_errors():
            renewed = await self._graph.call(
                "PATCH",
                f"/subscriptions/{subscription.id}",
                json={"expirationDateTime": _time(until)},
            )
        at = _moment(renewed.get("expirationDateTime") or _time(until))
        return subscription.model_copy(update={"expires_at": at})

    async def reauthorize(self, subscription: Subscription) -> None:
        with _subscription_errors():
            await self._graph.call("POST", f"/subscriptions/{subscription.id}/reauthorize")


@contextmanager
def _subscription_errors() -> Iterator[None]:
    try:
        yield
    except GraphRefused as error:
        if error.status == HTTPStatus.NOT_FOUND:
            raise SubscriptionGone(str(error)) from error
        raise NotConfigured(str(error), reason="subscription-refused") from error


def _briefs(found: JsonObject) -> list[Brief]:
    """Those of a page; what is only said to be removed, or is not known when, is left out."""
    return [
        Brief(str(one["id"]), _moment(one["receivedDateTime"]))
        for one in found.get("value", [])
        if "@removed" not in one and one.get("receivedDateTime")
    ]


def _done(ids: Sequence[str], answers: Sequence[PartAnswer]) -> list[str]:
    """Those that were done, or are gone; what is refused for good counts as an error of all."""
    done = []
    for id_, answer in zip(ids, answers, strict=True):
        if answer.ok or answer.status == HTTPStatus.NOT_FOUND:
            done.append(id_)
        elif answer.status not in _COMES_AGAIN and answer.status < 500:
            if not done:
                raise NotConfigured(
                    f"Graph refused: {answer.status} {answer.code}", reason="not-tidied"
                )
            break
    return done


def _line(text: object) -> str:
    """A header keeps to its line, whatever is in it."""
    return " ".join(str(text or "").split())


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _moment(text: object) -> datetime:
    at = datetime.fromisoformat(str(text))
    return at if at.tzinfo else at.replace(tzinfo=UTC)
