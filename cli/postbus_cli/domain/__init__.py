"""What is known and decided without reading or writing anything."""
