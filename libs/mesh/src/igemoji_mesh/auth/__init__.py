"""Access tokens and certificates."""
