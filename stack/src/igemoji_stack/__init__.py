"""The whole mesh on one machine, and what goes with it on the command line."""
