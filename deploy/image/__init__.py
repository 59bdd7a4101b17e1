"""What goes into an image: the packages of one service, taken from the hashed lock file."""
