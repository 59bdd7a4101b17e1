"""NATS and sockets behind the ports."""
