"""Databases: SQLite, MariaDB and MySQL."""
