"""`postbus`: what people and scripts do from a shell."""
