"""What the generated pages say, one module a page."""
