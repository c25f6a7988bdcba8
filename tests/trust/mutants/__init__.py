"""Defences switched off one after the other, in a copy of the tree: for each there is a test that fails."""
