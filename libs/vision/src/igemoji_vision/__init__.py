"""Cover the faces in photos with emojis: pipeline, pictures of templates, sandbox."""

import os

# onnxruntime reports its sessions to its maker, with an id of the machine, unless this is set before it is imported.
# Photos are private.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
