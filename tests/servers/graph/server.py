"""The stand-in: mailboxes, their pages, and what a test may do to them."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from servers.graph.access import Access, Caller, caller_of, unauthenticated
from servers.graph.answering import answer_to
from servers.graph.attachments import Session
from servers.graph.delta import Deltas
from servers.graph.errors import GraphError
from servers.graph.faults import Faults
from servers.graph.limits import Limits
from servers.graph.notices import Notices
from servers.graph.sending import Sent
from servers.graph.shown import properties_of
from servers.graph.store import Mailbox, Stored
from servers.graph.subscriptions import Subscription
from servers.graph.wire import CERTIFICATE, Answer, Cut, HttpsServer, Request


class GraphServer:
    """Graph v1.0 for mailboxes of tests, as strict as Graph is or stricter.

    `claims_of` gives the claims of an access token, None if it is no good (any more).
    Stricter than Graph: an id of the other kind than `Prefer: IdType` asks for is not found, and
    query options and preferences that nothing here knows are refused.
    """

    def __init__(self, claims_of: Callable[[str], dict[str, Any] | None]) -> None:
        self._claims_of = claims_of
        self.lock = threading.RLock()
        self.mailboxes: dict[str, Mailbox] = {}
        self.access = Access()
        self.limits = Limits()
        self.faults = Faults()
        self.deltas = Deltas()
        self.latency_seconds = 0.0
        self.max_message_bytes = 35 * 1024 * 1024
        """Most of a message that is sent, as MIME; Exchange lets an admin raise it to 150 MB."""
        self.upload_session_seconds = 3600.0
        self.sent_items_delay_seconds = 0.0
        """How long after sending a message is nowhere, before it is in Sent Items."""
        self.rewrites_message_ids = False
        """A draft gets a Message-ID of Exchange's, whatever was given (docs#3092)."""
        self.rewrites_on_send = False
        """A sent message gets another Message-ID than its draft had."""
        self.drops_headers: set[str] = set()
        """Own headers that get lost, in lower case (docs-contrib#1093)."""
        self.outbox: list[Sent] = []
        """What was sent, in order."""
        self.hand_over: Callable[[Sent], None] | None = None
        """Called with each mail that was sent, before it is answered."""
        self.sessions: dict[str, Session] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.notices = Notices()
        self.allow_http = False
        """Whether notices may go to an address without TLS."""
        self.batches: list[int] = []
        """How many parts each batch had."""
        self.calls: Counter[str] = Counter()
        """Requests to mailboxes by method and page, such as `GET messages/{message}/$value`."""
        self.answers: Counter[int] = Counter()
        """Answers by status."""
        self.calls_without_immutable_id: list[str] = []
        self._server: HttpsServer | None = None

    # What a test needs to know

    @property
    def port(self) -> int:
        assert self._server is not None, "not started"
        return self._server.port

    @property
    def base_url(self) -> str:
        return f"https://localhost:{self.port}/v1.0"

    @property
    def ca_file(self) -> Path:
        return CERTIFICATE

    @property
    def requests(self) -> int:
        return sum(self.calls.values())

    @property
    def throttled(self) -> int:
        """How often a limit of a mailbox was broken; storms do not count."""
        return len(self.limits.broken)

    @property
    def peak_concurrency(self) -> int:
        """Most requests at once for one app in one mailbox."""
        return max(self.limits.peak_concurrency.values(), default=0)

    @property
    def without_immutable_id(self) -> int:
        return len(self.calls_without_immutable_id)

    # What a test may do

    def start(self) -> "GraphServer":
        self._server = HttpsServer(
            self.serve,
            cut_request=self.faults.cut_request,
            cut_answer=self.faults.cut_answer,
        )
        self.notices.start()
        return self

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
        self.notices.stop()

    def add_mailbox(self, address: str, **names: str) -> Mailbox:
        """A new mailbox; `names` are display names by well-known name, `inbox="Posteingang"`."""
        with self.lock:
            made = Mailbox(address.lower(), names, self._changed)
            self.mailboxes[made.address] = made
            return made

    def deliver(
        self,
        mailbox: str,
        mime: bytes,
        folder: str = "inbox",
        received_at: datetime | None = None,
    ) -> str:
        """Put a mail into a folder; the immutable id that it has now."""
        with self.lock:
            box = self.box(mailbox)
            return box.put(box.at_path(folder), received_at, mime=mime).immutable_id

    def make_folder(self, mailbox: str, path: str) -> str:
        """Make the folder of a path (`Inbox/Support`) and what is missing above it; its id."""
        with self.lock:
            box = self.box(mailbox)
            at = box.root
            for name in path.split("/"):
                known = [f for f in box.children(at) if f.display_name == name]
                at = known[0] if known else box.make_folder(name, at)
            return at.id

    def rename_folder(self, mailbox: str, folder: str, name: str) -> None:
        with self.lock:
            self.box(mailbox).at_path(folder).display_name = name

    def delete_folder(self, mailbox: str, folder: str) -> None:
        with self.lock:
            box = self.box(mailbox)
            box.drop_folder(box.at_path(folder))

    def move(self, mailbox: str, message_id: str, folder: str) -> None:
        with self.lock:
            box = self.box(mailbox)
            box.move(box.message(message_id, immutable=True), box.at_path(folder))

    def delete(self, mailbox: str, message_id: str) -> None:
        with self.lock:
            box = self.box(mailbox)
            box.remove(box.message(message_id, immutable=True))

    def mark_read(self, mailbox: str, message_id: str) -> None:
        with self.lock:
            box = self.box(mailbox)
            message = box.message(message_id, immutable=True)
            message.read = True
            box.update(message)

    def no_mime(self, mailbox: str, message_id: str) -> None:
        """`$value` fails for this mail, as it is reported of big ones."""
        with self.lock:
            self.box(mailbox).message(message_id, immutable=True).no_mime = True

    def give_mime(self, mailbox: str, message_id: str) -> None:
        """`$value` works for this mail after all."""
        with self.lock:
            self.box(mailbox).message(message_id, immutable=True).no_mime = False

    def messages(self, mailbox: str, folder: str = "inbox") -> list[Stored]:
        """What lies in a folder now, in the order it came."""
        with self.lock:
            box = self.box(mailbox)
            return list(box.in_folder(box.at_path(folder)))

    def properties(self, mailbox: str, message_id: str) -> dict[str, Any]:
        """A message as Graph would show it."""
        with self.lock:
            return dict(properties_of(self.box(mailbox).message(message_id, immutable=True)))

    def reset_delta(self, mailbox: str) -> None:
        """Every delta token of before is answered by 410 from now on."""
        with self.lock:
            self.box(mailbox).delta_generation += 1

    def live_subscriptions(self) -> list[Subscription]:
        """Those that have not ended."""
        with self.lock:
            now = datetime.now(UTC)
            return [s for s in self.subscriptions.values() if s.expires_at > now]

    def remove_subscription(self, subscription_id: str, *, tell: bool = True) -> None:
        """Exchange takes a subscription away, and says so or not."""
        with self.lock:
            gone = self.subscriptions.pop(subscription_id)
        if tell:
            self.notices.tell_lifecycle(gone, "subscriptionRemoved")

    def send_lifecycle(self, event: str, subscription_id: str) -> None:
        """Send a lifecycle notice; after `reauthorizationRequired` no other comes until it is."""
        subscription = self.subscriptions[subscription_id]
        subscription.paused = event == "reauthorizationRequired"
        self.notices.tell_lifecycle(subscription, event)

    def serve(self, request: Request) -> Answer:
        """Answer one HTTP request."""
        answer = answer_to(self, request)
        self.answers[answer.status] += 1
        if self.faults.answer_is_lost(request.method, request.path):
            raise Cut
        return answer

    def caller(self, request: Request) -> Caller:
        """Who asks; 401 if nobody that may."""
        word, _, token = request.headers.get("Authorization", "").partition(" ")
        if word.lower() != "bearer" or not token:
            raise unauthenticated("Access token is empty.")
        return caller_of(self._claims_of(token.strip()))

    def box(self, address: str) -> Mailbox:
        """The mailbox of an address; 404 if there is none."""
        box = self.mailboxes.get(address.lower())
        if box is None:
            raise GraphError(404, "ErrorInvalidUser", f"The requested user '{address}' is invalid.")
        return box

    def _changed(self, mailbox: Mailbox, message: Stored, kind: str) -> None:
        self.notices.tell(self, mailbox, message, kind)
