"""Change notifications as they are sent, and as tests have them go wrong.

Graph: "Receive change notifications through webhooks": three seconds for a 2xx, else once more
(for four hours; here a few times), and what takes over 2,900 ms is slow.
"""

import random
import ssl
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from servers.graph.shown import time_text
from servers.graph.store import Mailbox, Stored
from servers.graph.subscriptions import Subscription
from servers.graph.wire import CERTIFICATE

if TYPE_CHECKING:
    from servers.graph.server import GraphServer

WORDS = {"created": "created", "updated": "updated", "removed": "deleted"}
ANSWER_SECONDS, SLOW_SECONDS = 3.0, 2.9
LIFECYCLE = ("reauthorizationRequired", "subscriptionRemoved", "missed")


@dataclass
class _Notice:
    url: str
    value: dict[str, Any]
    due: float
    tries: int = 0


@dataclass
class Notices:
    """Sends notices from a thread of its own. Its fields may be changed at any time."""

    lose: float = 0.0
    """Share of notices that are never sent."""
    double: float = 0.0
    """Share of notices that are sent twice."""
    delay_seconds: float = 0.0
    reorder: bool = False
    """Send what is due in any order."""
    hold: bool = False
    """Keep everything until it is let go."""
    tries: int = 5
    retry_seconds: float = 0.2
    per_post: int = 1
    """Most notices in one request."""
    sent: int = 0
    """Notices that were answered by 2xx."""
    failed: int = 0
    """Requests that were not answered by 2xx in time."""
    dropped: int = 0
    """Notices that were given up after their last try."""
    lost: int = 0
    slow_notices: int = 0
    latencies: list[float] = field(default_factory=list)
    """Seconds until each request was answered."""
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    _waiting: list[_Notice] = field(default_factory=list)
    _wake: threading.Condition = field(default_factory=threading.Condition)
    _ended: bool = False
    _thread: threading.Thread | None = None
    _busy: int = 0

    def __post_init__(self) -> None:
        context = ssl.create_default_context(cafile=str(CERTIFICATE))
        self.client = httpx.Client(verify=context, timeout=ANSWER_SECONDS)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        with self._wake:
            self._ended = True
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join(ANSWER_SECONDS + 2)
        self.client.close()

    @property
    def waiting(self) -> int:
        """Notices that are not out yet."""
        with self._wake:
            return len(self._waiting) + self._busy

    def let_go(self) -> None:
        """Send what was held."""
        with self._wake:
            self.hold = False
            self._wake.notify_all()

    def tell(self, graph: "GraphServer", mailbox: Mailbox, message: Stored, kind: str) -> None:
        """Something happened; whoever asked for it hears of it. Called with the mailbox held."""
        for subscription in graph.live_subscriptions():
            if (
                subscription.mailbox == mailbox.address
                and subscription.folder_id in (None, message.folder_id)
                and WORDS[kind] in subscription.change_types
                and not subscription.paused
            ):
                self._put(subscription.notification_url, _change(subscription, message, kind))

    def tell_lifecycle(self, subscription: Subscription, event: str) -> None:
        if event not in LIFECYCLE:
            raise ValueError(event)
        if subscription.lifecycle_url is not None:
            value = {**_common(subscription), "lifecycleEvent": event}
            self._push(_Notice(subscription.lifecycle_url, value, time.monotonic()))

    def _put(self, url: str, value: dict[str, Any]) -> None:
        if self.chance.random() < self.lose:
            self.lost += 1
            return
        due = time.monotonic() + self.delay_seconds
        self._push(_Notice(url, value, due))
        if self.chance.random() < self.double:
            self._push(_Notice(url, value, due))

    def _push(self, notice: _Notice) -> None:
        with self._wake:
            self._waiting.append(notice)
            self._wake.notify_all()

    def _run(self) -> None:
        while True:
            with self._wake:
                now = time.monotonic()
                due = [n for n in self._waiting if n.due <= now and not self.hold]
                if self._ended:
                    return
                if not due:
                    self._wake.wait(0.05)
                    continue
                if self.reorder:
                    self.chance.shuffle(due)
                chosen = [n for n in due if n.url == due[0].url][: self.per_post]
                for notice in chosen:
                    self._waiting.remove(notice)
                self._busy = len(chosen)
            self._post(chosen)
            with self._wake:
                self._busy = 0

    def _post(self, notices: list[_Notice]) -> None:
        began = time.monotonic()
        try:
            body = {"value": [notice.value for notice in notices]}
            taken = self.client.post(notices[0].url, json=body).is_success
        except httpx.HTTPError:
            taken = False
        seconds = time.monotonic() - began
        self.latencies.append(seconds)
        self.slow_notices += seconds > SLOW_SECONDS
        if taken:
            self.sent += len(notices)
            return
        self.failed += 1
        for notice in notices:
            notice.tries += 1
            notice.due = time.monotonic() + self.retry_seconds
            if notice.tries < self.tries:
                self._push(notice)
            else:
                self.dropped += 1


def _common(subscription: Subscription) -> dict[str, Any]:
    return {
        "subscriptionId": subscription.id,
        "subscriptionExpirationDateTime": time_text(subscription.expires_at),
        "clientState": subscription.client_state,
        "tenantId": subscription.tenant_id,
    }


def _change(subscription: Subscription, message: Stored, kind: str) -> dict[str, Any]:
    message_id = message.immutable_id if subscription.immutable else message.regular_id
    resource = f"Users/{subscription.mailbox}/Messages/{message_id}"
    return {
        "id": str(uuid.uuid4()),
        **_common(subscription),
        "changeType": WORDS[kind],
        "resource": resource,
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.Message",
            "@odata.id": resource,
            "@odata.etag": f'W/"CQAAABYAAAA{message.serial}"',
            "id": message_id,
        },
    }
