"""`make bench`: speed, cost and memory of the whole flow, beside a peer, in one run.

Slow is no failure, because machines are noisy; a mail that is lost, doubled or garbled is one.
"""

import argparse
import email
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import uvloop

from bench.figures import lines, table
from bench.flow import Flow, Plan
from bench.generator import mails
from bench.graph_mailbox import graph_mailbox
from bench.loopguard_latency import verdicts
from bench.mailboxes import mailboxes
from bench.peer import PeerMissing, install, measure
from bench.reading import reading
from bench.watching import Stalled
from servers.stack import LocalStack

_LONG_STORED = 10_000


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when all that was sent arrived as it should, 1 when not or when the peer is missing."""
    asked = _options().parse_args(arguments)
    try:
        if not asked.without_peer:
            _say("Installing the peer …")
            install()
        results, wrong = _run(asked)
    except PeerMissing as error:
        _say(f"\nTHE PEER COULD NOT BE MEASURED: {error}\nLeave it out with --without-peer.")
        return 1
    except Stalled as error:
        _say(f"\nLOST OR STUCK: {error}")
        return 1
    results["wrong"] = wrong
    if asked.json is not None:
        asked.json.write_text(json.dumps(results, indent=1) + "\n")
    _show(results)
    return 1 if wrong else 0


def _run(asked: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    plan = Plan(asked.mails, asked.seed, stored=asked.long or 0)
    results: dict[str, Any] = {"about": _about(plan)}
    results["about"]["yardstick_ms"] = [_yardstick_ms()]
    _say(f"{plan.count} mails of seed {plan.seed} through the whole stack …")
    with tempfile.TemporaryDirectory(prefix="postbus-bench-") as folder:
        stack = LocalStack(Path(folder) / "home").start()
        try:
            flow = Flow(stack, plan)
            results |= uvloop.run(flow.run())
        finally:
            stack.stop()
    _say("Questions to the loop guard …")
    results["loopguard"] = uvloop.run(verdicts(min(2000, plan.count)))
    _say("Reading mails …")
    results["reading"] = reading(min(400, plan.count), seed=plan.seed)
    if asked.boxes:
        _say(f"{asked.boxes} mailboxes in one process, and {asked.old_mails} old mails …")
        results["mailboxes"] = uvloop.run(
            mailboxes(
                asked.boxes, old_mails=asked.old_mails, idle_seconds=max(3.0, asked.boxes * 0.03)
            )
        )
    if asked.graph_mails:
        _say(f"{asked.graph_mails} mails in a mailbox of Microsoft 365 …")
        results["graph_mailbox"] = uvloop.run(graph_mailbox(asked.graph_mails))
    if not asked.without_peer:
        _say("The same mails through django-helpdesk …")
        results["peer"] = measure(list(mails(plan.count, seed=plan.seed, edition="saturated")))
    results["about"]["yardstick_ms"].append(_yardstick_ms())
    return results, flow.wrong


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--mails", type=int, default=2000, help="how many (2000)")
    parser.add_argument("--seed", type=int, default=1, help="which mails (1)")
    parser.add_argument("--without-peer", action="store_true", help="only our own figures")
    parser.add_argument(
        "--long", type=int, nargs="?", const=_LONG_STORED, metavar="STORED",
        help=f"also the cost of a mail with so many stored ({_LONG_STORED}; the target is 100000)",
    )  # fmt: skip
    parser.add_argument("--boxes", type=int, default=1000, help="idle mailboxes (1000; 0: none)")
    parser.add_argument(
        "--old-mails", type=int, default=5000,
        help="mails from before in one more mailbox (5000; the target is 100000)",
    )  # fmt: skip
    parser.add_argument(
        "--graph-mails", type=int, default=500,
        help="mails at once in a mailbox of Microsoft 365 (500; 0: none)",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, help="write every figure into this file")
    return parser


def _about(plan: Plan) -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "mails": plan.count,
        "seed": plan.seed,
        "cores": os.cpu_count(),
        "memory_gigabytes": round(psutil.virtual_memory().total / 1e9, 1),
        "machine": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def _yardstick_ms() -> float:
    """CPU for a job that never changes: runs on a slower or throttled machine show it here."""
    corpus = [mail.raw for mail in mails(200, seed=0, large=False)]
    began = time.process_time()
    for _ in range(5):
        for raw in corpus:
            email.message_from_bytes(raw)
    return (time.process_time() - began) * 1000


def _show(results: dict[str, Any]) -> None:
    about, peer = results["about"], results.get("peer")
    before, after = about["yardstick_ms"]
    _say(
        f"\n{about['at']}: {about['mails']} mails ({results['saturation']['megabytes']} MB), seed"
        f" {about['seed']}, {about['cores']} cores {about['machine']}, {about['system']}, Python"
        f" {about['python']}; other programs used"
        f" {results['saturation']['cores_of_others']:.2f} cores, the bench itself"
        f" {results['saturation']['cpu_ms_per_mail_bench']:.1f} ms a mail; the yardstick took"
        f" {before:.0f} ms before and {after:.0f} ms after.\n"
    )
    _say(table(lines(results)))
    if peer:
        _say(
            f"\nThe peer: {peer['lost']} of {peer['mails']} mails lost, {peer['texts_garbled']}"
            f" texts and {peer['subjects_garbled']} subjects garbled, {peer['tickets']} tickets"
            f" for {peer['tickets_expected']} threads, {peer['mails_out']} mails out."
        )
    for one in results["wrong"]:
        _say(f"WRONG: {one}")
    _say("\nEvery mail arrived once, whole, on its thread." if not results["wrong"] else "")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what this program is for


if __name__ == "__main__":
    sys.exit(main())
