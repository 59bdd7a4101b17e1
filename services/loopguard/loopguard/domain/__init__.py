"""The rules and their arithmetic: pure, so that every case is a line in a table."""
