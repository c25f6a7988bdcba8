"""The whole mesh on one machine, and what goes with it on the command line."""

import os

# Programs are started by fork and exec. gRPC's handlers of forks are for children that go on with gRPC; in one that is
# about to become another program they sometimes ended it first.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
