"""Graph, and cursors and subscriptions on NATS."""
