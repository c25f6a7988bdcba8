"""From the bytes of a photo to the bytes of the same photo with an emoji on every face."""

import os

# onnxruntime tells its maker of sessions, with an id that it keeps for the machine, unless this stands before it is
# imported. Photos are private, and so is that somebody has some.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
