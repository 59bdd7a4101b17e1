"""Tickets, customers and messages: files mail, takes answers, shows what became of them."""
