"""MongoDB, through motor."""
