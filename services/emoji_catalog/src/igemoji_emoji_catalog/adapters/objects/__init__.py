"""Pictures in the object store."""
