"""Sandbox: processes with limits, in which alone the files of strangers are decoded."""
