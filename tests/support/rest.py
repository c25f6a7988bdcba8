"""Server-sent events over raw HTTP, where tests check what the server sends."""

import json
from typing import Any

import httpx


def task_events(http: httpx.Client, task_id: str, headers: dict[str, str]) -> list[dict[str, Any]]:
    """Return the events of a task up to the end of the stream."""
    with http.stream("GET", f"/api/v1/faces/tasks/{task_id}/events", headers=headers) as stream:
        assert stream.headers["content-type"] == "text/event-stream"
        return [json.loads(line.removeprefix("data: ")) for line in stream.iter_lines() if line.startswith("data: ")]
