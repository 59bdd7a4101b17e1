"""Pure decisions about mailboxes of Microsoft 365."""
