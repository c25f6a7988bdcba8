"""The command `igemoji`: photos without a server, the mesh on one machine, commands for operators."""
