"""Use cases of the auth service and their ports."""
