"""Steps of a task, from the event stream, or by polling if streams fail."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

import httpx_sse

from igemoji_client.errors import ConnectionFailed, ServerTrouble, TooManyRequests
from igemoji_client.models import Task, WatchEvent
from igemoji_client.transport import Call, Transport

IDLE_SECONDS = 25.0
"""A stream without an event for this long is lost: the server sends a heartbeat every ten seconds."""
MAX_EMPTY_STREAMS = 3
"""After this many streams without an event, the task is polled instead."""
RECONNECT_SECONDS = 0.5
POLL_SECONDS = 1.0


async def watched(
    transport: Transport, path: str, get_task: Callable[[], Awaitable[Task]]
) -> AsyncGenerator[Task, None]:
    """Iterate over every step; a revised task passes DONE more than once."""
    last, fruitless, ended = 0, 0, False
    while fruitless < MAX_EMPTY_STREAMS:
        fruitless += 1
        events = _stream(transport, path, last)
        try:
            async for event in events:
                fruitless = 0
                if event.heartbeat or event.sequence <= last:
                    continue
                last, ended = event.sequence, event.task.state.ended
                yield event.task
            if ended:
                return
        except (ConnectionFailed, httpx_sse.SSEError):
            pass
        except (ServerTrouble, TooManyRequests) as error:
            if isinstance(error, ServerTrouble) and not error.transient:
                raise
            await asyncio.sleep(error.retry_after or 0)
        finally:
            await events.aclose()
        await asyncio.sleep(RECONNECT_SECONDS * fruitless)
    async for task in _polled(get_task):
        yield task


async def _stream(transport: Transport, path: str, last: int) -> AsyncGenerator[WatchEvent, None]:
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": str(last)} if last else {})
    call = Call("GET", f"{path}/events", headers=headers, safe=True, read_seconds=IDLE_SECONDS)
    async with transport.stream(call) as response:
        async for event in httpx_sse.EventSource(response).aiter_sse():
            if event.data:
                yield WatchEvent.model_validate_json(event.data)


async def _polled(get_task: Callable[[], Awaitable[Task]]) -> AsyncGenerator[Task, None]:
    known: Task | None = None
    while known is None or not known.state.ended:
        task = await get_task()
        if task != known:
            known = task
            yield task
        if not task.state.ended:
            await asyncio.sleep(POLL_SECONDS)
