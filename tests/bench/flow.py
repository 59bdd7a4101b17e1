"""Our side of the benchmark: the whole stack, mails in at its door, events and mails out of it."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from bench.checks import OPENED, Outbox, receipts_due, received_wrong, sent_wrong, tickets_wrong
from bench.figures import percentiles
from bench.generator import Mail, mails
from bench.processes import SERVERS, SUPERVISOR, Processes, Usage
from bench.senders import Handed, hand_over
from bench.watching import Watching
from postbus.contracts.mail import MailKind
from servers.stack import LocalStack

_IDLE_SECONDS = 5.0
_REPLIES_PER_SECOND = 10.0

Figures = dict[str, Any]
_WIDE = {"ten_minutes": 200, "hour": 200, "day": 200}
LIMITS = {
    "correspondent": _WIDE,
    "ticket": _WIDE,
    "receipts_ten_minutes": 100,
    "receipts_day": 200,
    "receipts_day_all_queues": 200,
    "incoming_ten_minutes": 10_000,
    "incoming_hour": 10_000,
    "tickets_hour": 100_000,
    "fuse_ten_minutes": 100_000,
}
"""A day of mail comes within a minute: with the limits of a day most receipts would be held, and
what is measured is what it costs to send them."""


@dataclass(frozen=True)
class Plan:
    """How much; `stored` mails are in the store when the cost of a full one is measured."""

    count: int
    seed: int
    stored: int = 0

    @property
    def replies(self) -> int:
        """How many tickets an agent answers."""
        return min(200, max(5, self.count // 10))


class Flow:
    """One stack under load, phase after phase; `wrong` collects what is not as it must be."""

    def __init__(self, stack: LocalStack, plan: Plan) -> None:
        self._stack = stack
        self._plan = plan
        self._watching = Watching()
        self._processes = Processes(stack)
        self._outbox = Outbox(Path(stack.endpoints["outbox_maildir"]))
        self._sent: list[Mail] = []
        self._requests = 0
        self._numbers: list[int] = []
        self.wrong: list[str] = []

    async def run(self) -> Figures:
        """All phases; Stalled when something never comes, SMTPException when a mail is refused."""
        plan = self._plan
        await asyncio.to_thread(self._widen_limits)
        await asyncio.sleep(_IDLE_SECONDS)
        idle, idle_resident = self._processes.memory_bytes(), self._processes.resident_bytes()
        await self._watching.open(self._stack.endpoints["subscriber_nats_url"])
        figures: Figures = {}
        figures["saturation"] = await self._saturate("saturated", plan.count)
        half = figures["saturation"]["mails_per_second"] / 2
        figures["paced"] = await self._pace(max(plan.count // 2, 30), per_second=half)
        figures["replies"] = await self._reply(plan.replies)
        if plan.stored:
            await self._fill(plan.stored)
            figures["full_store"] = await self._saturate("full", plan.count)
            figures["full_store"]["mails_before"] = plan.stored
        figures["memory"] = {
            "idle_bytes": idle,
            "idle_resident_bytes": idle_resident,
            "end_bytes": self._processes.memory_bytes(),
        }
        await self._check_all()
        await self._watching.close()
        return figures

    def _widen_limits(self) -> None:
        answer = self._stack.api(
            "PATCH", "loop-limits", LIMITS, admin=True, headers={"If-Match": "*"}
        )
        if answer.status != 200:
            raise RuntimeError(f"the limits were not taken: {answer.body}")

    async def _saturate(self, edition: str, count: int) -> Figures:
        return await self._through(await self._written(count, edition), per_second=None)

    async def _pace(self, count: int, *, per_second: float) -> Figures:
        return await self._through(await self._written(count, "paced"), per_second=per_second)

    async def _fill(self, stored: int) -> None:
        missing = stored - len(self._sent)
        for begin in range(0, missing, 1000):
            part = min(1000, missing - begin)
            corpus = await self._written(part, f"fill{begin}", large=False)
            await self._through(corpus, per_second=None)

    async def _written(self, count: int, edition: str, *, large: bool = True) -> list[Mail]:
        """Beside the event loop, which has heartbeats of the bus to answer."""
        corpus = mails(count, seed=self._plan.seed, edition=edition, large=large)
        return await asyncio.to_thread(list, corpus)

    async def _through(self, corpus: list[Mail], *, per_second: float | None) -> Figures:
        """Mails in, until each is told and every receipt has come to its end."""
        heard = self._watching
        tickets, requested, ended = len(heard.tickets), len(heard.requested), len(heard.ended)
        held = len(heard.held)
        before = Usage.now(self._processes)
        handed = await hand_over(corpus, self._stack.address("smtp_in"), per_second=per_second)
        await heard.until(
            lambda: len(heard.tickets) + len(heard.held) >= tickets + held + len(corpus),
            lambda: (
                f"{len(heard.tickets) - tickets} of {len(corpus)} mails became ticket events,"
                f" {len(heard.held) - held} were held"
            ),
        )
        receipts = receipts_due(corpus, heard.tickets[tickets:])
        await heard.until(
            lambda: len(heard.ended) >= ended + receipts,
            lambda: f"{len(heard.ended) - ended} of {receipts} receipts came to an end",
        )
        used = Usage.now(self._processes).since(before)
        self._note(corpus, requested, ended, receipts)
        return self._figures(corpus, handed, used, tickets=tickets, ended=ended)

    def _note(self, corpus: Sequence[Mail], requested: int, ended: int, receipts: int) -> None:
        heard = self._watching
        self._sent += [replace(mail, raw=b"") for mail in corpus]
        self._requests += receipts
        self.wrong += sent_wrong(
            receipts, heard.requested[requested:], heard.ended[ended:], self._outbox
        )
        self.wrong += [f"{name} was started again" for name in self._processes.restarted()]

    def _figures(
        self, corpus: Sequence[Mail], handed: Sequence[Handed], used: Usage, *, tickets: int,
        ended: int,
    ) -> Figures:  # fmt: skip
        told = {
            one.data["message"]["message_id"]: one.at for one in self._watching.tickets[tickets:]
        }
        begin = handed[0].began
        all_told, taken = max(told.values()), max(one.accepted_at for one in handed)
        all_ended = max((one.at for one in self._watching.ended[ended:]), default=all_told)
        waited = [
            told[mail.message_id] - one.accepted_at
            for mail, one in zip(corpus, handed, strict=True)
            if mail.message_id in told
        ]
        outcomes = Counter(one.subject.split(".")[2] for one in self._watching.ended[ended:])
        return {
            "mails": len(corpus),
            "megabytes": round(sum(len(mail.raw) for mail in corpus) / 1e6, 1),
            "mails_per_second": len(corpus) / (all_told - begin),
            "accepted_per_second": len(corpus) / (taken - begin),
            "with_receipts_per_second": len(corpus) / (max(all_told, all_ended) - begin),
            "smtp_ms": percentiles(one.accepted_at - one.began for one in handed),
            "event_ms": percentiles(max(0.0, seconds) for seconds in waited),
            "receipts": dict(outcomes),
            **self._cpu(used, len(corpus)),
        }

    def _cpu(self, used: Usage, count: int) -> Figures:
        by_name = {name: seconds * 1000 / count for name, seconds in used.by_name.items()}
        return {
            "cpu_ms_per_mail": by_name,
            "cpu_ms_per_mail_services": sum(by_name[name] for name in self._processes.services),
            "cpu_ms_per_mail_servers": sum(by_name.get(name, 0.0) for name in SERVERS),
            "cpu_ms_per_mail_supervisor": by_name[SUPERVISOR],
            "cpu_ms_per_mail_bench": used.bench * 1000 / count,
            "cores_of_others": used.cores_of_others,
        }

    async def _reply(self, count: int) -> Figures:
        """Agents answer, at a steady rate: 202 accepted, until the mail is in the outbox."""
        heard, ends = self._watching, self._stack.endpoints
        requested, ended, tickets = len(heard.requested), len(heard.ended), len(heard.tickets)
        numbers = self._tickets_to_answer(count)
        headers = {"Authorization": f"Bearer {ends['agent_token']}"}
        async with httpx.AsyncClient(base_url=ends["ticketing_api"], headers=headers) as client:
            start = time.time() + 0.2
            answered = await asyncio.gather(
                *(
                    _answer(client, number, due=start + n / _REPLIES_PER_SECOND)
                    for n, number in enumerate(numbers)
                )
            )
        await heard.until(
            lambda: len(heard.ended) >= ended + len(numbers),
            lambda: f"{len(heard.ended) - ended} of {len(numbers)} replies came to an end",
        )
        await heard.until(
            lambda: len(heard.tickets) >= tickets + len(numbers), lambda: "replies without events"
        )
        self._note([], requested, ended, len(numbers))
        accepted = {message_id: handed.accepted_at for message_id, handed in answered}
        arrived = self._outbox.arrived()
        missing = [one for one in accepted if one not in arrived]
        self.wrong += [f"reply {one} is not in the outbox" for one in missing]
        sent = {one.data["message_id"]: one.at for one in heard.ended[ended:]}
        return {
            "replies": len(numbers),
            "per_second": _REPLIES_PER_SECOND,
            "accepted_ms": percentiles(one.accepted_at - one.began for _, one in answered),
            "on_the_wire_ms": percentiles(
                max(0.0, arrived[one][0] - at) for one, at in accepted.items() if one in arrived
            ),
            "sent_event_ms": percentiles(
                max(0.0, sent[one] - at) for one, at in accepted.items() if one in sent
            ),
        }

    def _tickets_to_answer(self, count: int) -> list[int]:
        """Tickets of people, in the order of their opening."""
        people = {mail.message_id for mail in self._sent if mail.kind is MailKind.HUMAN}
        opened = (one.data for one in self._watching.tickets if one.subject.startswith(OPENED))
        return [
            data["ticket"]["number"] for data in opened if data["message"]["message_id"] in people
        ][:count]

    async def _check_all(self) -> None:
        by_customers = [
            one
            for one in self._watching.tickets
            if not one.subject.startswith("postbus.ticket.agent-replied.")
        ]
        # a bounce of mail that we never sent is held, and no ticket
        filed = [mail for mail in self._sent if mail.kind is not MailKind.BOUNCE]
        self.wrong += tickets_wrong(filed, by_customers)
        if len(self._watching.held) != len(self._sent) - len(filed):
            self.wrong.append(f"{len(self._watching.held)} mails held, not only bounces")
        received = await self._watching.read("postbus.mail.received.>")
        self.wrong += received_wrong(self._sent, received)
        self.wrong += [f"parked: {one.subject}" for one in self._watching.parked]
        expected, shown = sum(mail.opens for mail in filed), await self._tickets_shown()
        if expected != shown:
            self.wrong.append(f"the API lists {shown} tickets instead of {expected}")

    async def _tickets_shown(self) -> int:
        found, cursor = 0, ""
        while True:
            page = await asyncio.to_thread(self._stack.api, "GET", f"tickets?limit=200{cursor}")
            found += len(page.body["items"])
            if page.body["next_cursor"] is None:
                return found
            cursor = f"&cursor={page.body['next_cursor']}"


async def _answer(client: httpx.AsyncClient, number: int, *, due: float) -> tuple[str, Handed]:
    await asyncio.sleep(max(0.0, due - time.time()))
    began = time.time()
    response = await client.post(
        f"/api/v1/tickets/{number}/replies",
        json={"text": "We had a look and found the cause.\n\nIt works again now."},
        headers={"Idempotency-Key": f"bench-{number}"},
        timeout=60,
    )
    accepted_at = time.time()
    response.raise_for_status()
    return response.json()["message_id"], Handed(began, accepted_at)
