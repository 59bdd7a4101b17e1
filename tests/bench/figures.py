"""Figures, what they are measured against, and how they are shown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

_QUANTILES = {"p50": 0.5, "p99": 0.99, "max": 1.0}


def percentiles(seconds: Iterable[float]) -> dict[str, float]:
    """p50, p99 and the largest, in milliseconds, by nearest rank; empty when nothing was timed."""
    ranked = sorted(seconds)
    if not ranked:
        return {}
    return {
        name: ranked[max(0, -int(-len(ranked) * quantile // 1) - 1)] * 1000
        for name, quantile in _QUANTILES.items()
    }


@dataclass(frozen=True)
class Line:
    """One line of the table: a figure, what it should be, and what the peer has."""

    name: str
    value: float | None
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None
    peer: float | None = None

    @property
    def target(self) -> str:
        """The target in words; empty without one."""
        if self.at_least is not None:
            return f">= {self.at_least:g}"
        return f"<= {self.at_most:g}" if self.at_most is not None else ""

    @property
    def reached(self) -> bool | None:
        """None without a target or a figure."""
        if self.value is None:
            return None
        if self.at_least is not None:
            return self.value >= self.at_least
        return self.value <= self.at_most if self.at_most is not None else None

    @property
    def ratio(self) -> float | None:
        """Ours : the peer's."""
        return self.value / self.peer if self.peer and self.value is not None else None


def lines(results: dict[str, Any]) -> list[Line]:
    """The table of a run; targets are those of the architecture."""
    full, paced, replies = results["saturation"], results["paced"], results["replies"]
    memory, guard = results["memory"], results.get("loopguard") or {}
    peer, read = results.get("peer") or {}, results.get("reading") or {}
    found = [
        Line("mails told as tickets", full["mails_per_second"], "/s", at_least=150,
             peer=peer.get("mails_per_second")),
        Line("mails with receipts sent", full["with_receipts_per_second"], "/s",
             peer=peer.get("mails_per_second")),
        Line("mails accepted at the door", full["accepted_per_second"], "/s"),
        Line("CPU per mail, our processes", full["cpu_ms_per_mail_services"], "ms", at_most=10,
             peer=peer.get("cpu_ms_per_mail")),
        Line("CPU per mail, servers", full["cpu_ms_per_mail_servers"], "ms"),
        *(Line(f"  {name}", value, "ms") for name, value in full["cpu_ms_per_mail"].items()),
        Line("SMTP 250 to ticket event, p50", paced["event_ms"]["p50"], "ms"),
        Line("SMTP 250 to ticket event, p99", paced["event_ms"]["p99"], "ms", at_most=250),
        Line("  measured at", paced["mails_per_second"], "/s"),
        Line("reply accepted to wire, p50", replies["on_the_wire_ms"].get("p50"), "ms"),
        Line("reply accepted to wire, p99", replies["on_the_wire_ms"].get("p99"), "ms",
             at_most=250),
        Line("reply until 202, p99", replies["accepted_ms"]["p99"], "ms"),
        Line("loop guard's verdict, p99", guard.get("p99_ms"), "ms", at_most=10),
        Line("  at 150 verdicts a second, p99", guard.get("paced", {}).get("p99"), "ms"),
        Line("reading under 50 kB, median CPU", read.get("small_median_ms"), "ms", at_most=1),
        Line("reading an attachment of 1 MB, CPU", read.get("attachment_1mb_median_ms"), "ms",
             at_most=15),
        Line("memory beyond a mail of 100 MB", read.get("extra_mb_for_100mb"), "MB", at_most=100),
        Line("memory, idle stack", _megabytes(memory["idle_bytes"]), "MB", at_most=900),
        Line("  shared pages counted in each", _megabytes(memory["idle_resident_bytes"]), "MB"),
        Line("memory, at the end", _megabytes(memory["end_bytes"]), "MB",
             peer=peer.get("memory_megabytes")),
    ]  # fmt: skip
    if "mailboxes" in results:
        boxes = results["mailboxes"]
        found += [
            Line(f"{boxes['boxes']} idle mailboxes, of a core", boxes["idle_core_percent"], "%",
                 at_most=5),
            Line("  memory of the process", boxes["megabytes"], "MB", at_most=250),
            Line("  memory of those that read mails", boxes["megabytes_of_readers"], "MB"),
            Line("  threads", boxes["threads"], ""),
            Line("  until all were connected", boxes["connected_seconds"], "s"),
            Line("  mail in the mailbox to event, p50", boxes["event_ms"]["p50"], "ms"),
            Line("  mail in the mailbox to event, p99", boxes["event_ms"]["p99"], "ms",
                 at_most=1000),
            Line(f"  the same beside {boxes['old_mails']} old mails of another, p99",
                 boxes["beside_ms"]["p99"], "ms"),
            Line("    and at worst", boxes["beside_ms"]["max"], "ms", at_most=2000),
            Line("    old mails imported meanwhile", boxes["old_mails_a_second"], "/s"),
        ]  # fmt: skip
    if "graph_mailbox" in results:
        graph = results["graph_mailbox"]
        found += [
            Line(f"mails read by Graph, {graph['latency_ms']:.0f} ms an answer",
                 graph["mails_a_minute"], "/min"),
            Line("  requests for each", graph["requests_per_mail"], ""),
            Line("  most at once (Graph allows 4)", graph["peak_concurrency"], "", at_most=4),
            Line("  limits of Graph broken", graph["throttled"], "", at_most=0),
            Line("  mail in the mailbox to event, p50, asked every second",
                 graph["event_ms"]["p50"], "ms"),
        ]  # fmt: skip
    if "full_store" in results:
        stored = results["full_store"]["mails_before"]
        found += [
            Line(f"cost at {stored} mails : empty store, our processes",
                 _ratio(results, "cpu_ms_per_mail_services"), "", at_most=1.2),
            Line(f"cost at {stored} mails : empty store, servers",
                 _ratio(results, "cpu_ms_per_mail_servers"), ""),
        ]  # fmt: skip
    return found


def table(found: Sequence[Line]) -> str:
    """The lines for a terminal or a Markdown page."""
    rows = [("figure", "ours", "target", "reached", "peer", "ours : peer")]
    for one in found:
        reached = {True: "yes", False: "NO", None: ""}[one.reached]
        rows.append(
            (
                one.name,
                _shown(one.value, one.unit),
                one.target,
                reached,
                _shown(one.peer, one.unit) if one.peer is not None else "",
                f"{one.ratio:.2f}" if one.ratio is not None else "",
            )
        )
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    rows.insert(1, tuple("-" * width for width in widths))
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    )


def _shown(value: float | None, unit: str) -> str:
    if value is None:
        return "not measured"
    return f"{value:.0f} {unit}".rstrip() if value >= 100 else f"{value:.2f} {unit}".rstrip()


def _megabytes(by_name: dict[str, int]) -> float:
    return sum(by_name.values()) / 1e6


def _ratio(results: dict[str, Any], name: str) -> float:
    return float(results["full_store"][name] / results["saturation"][name])
