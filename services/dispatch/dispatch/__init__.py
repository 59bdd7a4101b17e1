"""Sends answers and notifications: reply via, compose, may I, claim, send, record, tell."""
