"""What is counted."""

from prometheus_client import CollectorRegistry, Counter, Histogram


class Metrics:
    """One for a process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.mails = Counter(
            "postbus_mails_received",
            "Mails by what became of them at the door",
            ["channel", "outcome"],
            registry=registry,
        )
        self.bytes = Counter(
            "postbus_mail_bytes_fetched", "Bytes of mails that were fetched", registry=registry
        )
        self.lag = Histogram(
            "postbus_mail_lag_seconds",
            "From the arrival of a mail of today in its mailbox to the fact about it",
            registry=registry,
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 300, 3600),
        )
