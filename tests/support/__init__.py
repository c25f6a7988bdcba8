"""Shared by the suites and benchmarks: meshes, backends and users."""
