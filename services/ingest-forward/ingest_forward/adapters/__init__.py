"""SMTP, spoken with a library."""
