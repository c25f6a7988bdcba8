"""What an attacker tries: every suite attacks a live mesh, and counts what was tried, refused and survived."""
