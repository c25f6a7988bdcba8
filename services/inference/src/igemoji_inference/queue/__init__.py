"""Who works on tasks: worker processes on this machine."""
