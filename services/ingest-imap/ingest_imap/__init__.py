"""Reads mailboxes by IMAP: Gmail and any other."""
