"""How it looks to people."""
