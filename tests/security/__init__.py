"""Attacks on a live mesh; the suites count attacks tried, refused and survived."""
