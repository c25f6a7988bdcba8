"""RPCs, settings and wiring of the ranking."""
