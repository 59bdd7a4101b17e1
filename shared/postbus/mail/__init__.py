"""Reading mail: pure functions from bytes to what Postbus knows of a mail.

Nothing is imported here: what parses mails is needed by the processes that read them, and services
that only compare addresses are spared its libraries.
"""
