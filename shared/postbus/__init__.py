"""What Postbus services share: the words they speak and the adapters at least two of them need."""
