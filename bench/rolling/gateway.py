"""Additional gateway for a running mesh.

    python bench/rolling/gateway.py ENVOY.YAML LISTENER_PORT ADMIN_PORT NEW_LISTENER_PORT NEW_ADMIN_PORT

It uses the configuration of the mesh with other ports, under the supervisor of `igemoji-gateway`, which drains it on
SIGTERM.
"""

import sys
import tempfile
from pathlib import Path

from igemoji_gateway.config.options import Address
from igemoji_gateway.runtime.serve import Drain, serve

text = Path(sys.argv[1]).read_text()
listener, admin, new_listener, new_admin = sys.argv[2:]
with tempfile.TemporaryDirectory() as folder:
    configuration = Path(folder) / "envoy.yaml"
    configuration.write_text(text.replace(listener, new_listener).replace(admin, new_admin))
    sys.exit(serve(configuration, Address("127.0.0.1", int(new_admin)), Drain(2, 20), concurrency=1))
