"""What ingest-graph counts besides what every reader of mailboxes does."""

from prometheus_client import CollectorRegistry, Counter


class Metrics:
    """One for a process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.notices = Counter(
            "postbus_graph_notices",
            "Notices of Graph by what became of them: heard, unknown or unreadable",
            ["outcome"],
            registry=registry,
        )
        self.resyncs = Counter(
            "postbus_graph_resyncs", "Folders that were gone through anew (410)", registry=registry
        )
        self.subscriptions = Counter(
            "postbus_graph_subscriptions",
            "Subscriptions by what was done: made, renewed or refused",
            ["outcome"],
            registry=registry,
        )
