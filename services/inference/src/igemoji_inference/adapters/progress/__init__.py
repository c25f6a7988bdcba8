"""Progress feeds: in memory and on Redis."""
