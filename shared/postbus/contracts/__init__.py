"""The words that services share: facts, questions, configuration."""
