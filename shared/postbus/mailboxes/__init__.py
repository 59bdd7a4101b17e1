"""What every service that reads mailboxes shares: who reads which, in turns, and how it stands."""
