"""Use cases of the catalog, and their ports."""
