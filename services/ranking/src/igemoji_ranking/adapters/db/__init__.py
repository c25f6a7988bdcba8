"""Tables and queries of the ranking."""
