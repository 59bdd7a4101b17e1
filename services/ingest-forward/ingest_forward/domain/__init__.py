"""Pure decisions of the door."""
