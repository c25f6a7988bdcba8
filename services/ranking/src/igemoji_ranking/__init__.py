"""The ranking service: which templates are popular."""
