"""What callers can do with templates, and the ports that it needs."""
