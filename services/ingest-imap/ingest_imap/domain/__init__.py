"""Pure decisions about mailboxes."""
