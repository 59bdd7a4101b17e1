"""NATS and Prometheus, behind the ports."""
