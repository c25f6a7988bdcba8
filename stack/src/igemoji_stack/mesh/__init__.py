"""The mesh on one machine: options, commands, supervisor, state, console."""
