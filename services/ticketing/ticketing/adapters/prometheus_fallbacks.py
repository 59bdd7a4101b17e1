"""Counts and logs that a receipt has the words of Postbus and not those of its queue."""

import structlog
from prometheus_client import CollectorRegistry, Counter

log = structlog.get_logger("ticketing")


class PrometheusFallbacks:
    """The port `ReceiptFailed`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._failed = Counter(
            "postbus_receipt_texts_failed",
            "Receipts with the words of Postbus, as those of the queue failed",
            registry=registry,
        )

    def __call__(self, queue: str, detail: str) -> None:
        self._failed.inc()
        log.warning("receipt_text_failed", queue=queue, detail=detail)
