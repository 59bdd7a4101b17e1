"""IMAP, and cursors, leases and health on NATS."""
