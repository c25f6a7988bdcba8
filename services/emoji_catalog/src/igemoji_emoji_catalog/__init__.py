"""The emoji_catalog service: templates and their pictures."""
