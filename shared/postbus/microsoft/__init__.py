"""Microsoft 365: signing in there, speaking Graph, and staying within its limits."""
