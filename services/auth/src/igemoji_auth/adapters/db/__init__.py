"""Tables and queries of the auth service."""
