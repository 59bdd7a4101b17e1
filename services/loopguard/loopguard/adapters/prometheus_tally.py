"""Verdicts as a Prometheus counter."""

from prometheus_client import CollectorRegistry, Counter

from postbus.contracts.guard import Verdict


class PrometheusTally:
    """The port `Tally`: `postbus_guard_verdicts_total` by rule and decision."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._verdicts = Counter(
            "postbus_guard_verdicts",
            "Verdicts of the loop guard",
            ("rule", "decision"),
            registry=registry,
        )

    def counted(self, verdict: Verdict) -> None:
        """Count one."""
        self._verdicts.labels(verdict.rule, verdict.decision.value).inc()
