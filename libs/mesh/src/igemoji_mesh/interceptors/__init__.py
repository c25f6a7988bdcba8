"""Interceptors: code around every RPC, once for all services."""
