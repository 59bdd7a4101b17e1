"""Reads mailboxes of Microsoft 365 by Graph."""
