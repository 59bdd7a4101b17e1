"""Pure decisions of dispatch."""
