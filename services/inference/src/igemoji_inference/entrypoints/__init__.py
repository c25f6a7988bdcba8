"""Servicer, commands, settings and wiring."""
