"""Photos without the mesh: on this machine, or on a server."""
