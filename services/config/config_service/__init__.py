"""The config API: what admins set up, kept in NATS KV for everyone."""
