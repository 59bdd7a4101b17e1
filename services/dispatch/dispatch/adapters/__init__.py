"""SMTP and the NATS ledger."""
