"""Use cases of the ranking and their ports."""
