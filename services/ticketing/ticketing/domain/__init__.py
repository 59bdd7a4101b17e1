"""Pure decisions of ticketing."""
