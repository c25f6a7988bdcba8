"""The page at `/api/docs`."""
