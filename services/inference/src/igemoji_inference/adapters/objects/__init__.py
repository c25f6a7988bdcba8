"""References to the object store."""
