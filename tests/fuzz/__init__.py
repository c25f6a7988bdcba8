"""Hostile input for all that takes bytes of strangers apart, guided by which code it reaches."""
