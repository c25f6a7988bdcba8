"""One more gateway of a mesh that runs: python bench/rolling/gateway.py ENVOY.YAML EDGE ADMIN NEW_EDGE NEW_ADMIN

The mesh's configuration with other ports, under `igemoji-gateway`'s own supervisor, which drains it on SIGTERM.
"""

import sys
import tempfile
from pathlib import Path

from igemoji_gateway import Address
from igemoji_gateway.runtime.serve import Drain, serve

text = Path(sys.argv[1]).read_text()
edge, admin, new_edge, new_admin = sys.argv[2:]
with tempfile.TemporaryDirectory() as folder:
    configuration = Path(folder) / "envoy.yaml"
    configuration.write_text(text.replace(edge, new_edge).replace(admin, new_admin))
    sys.exit(serve(configuration, Address("127.0.0.1", int(new_admin)), Drain(2, 20), concurrency=1))
