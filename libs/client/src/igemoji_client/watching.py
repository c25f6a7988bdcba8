"""The steps of a task: from the event stream, and by asking where there is none."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

import httpx_sse

from igemoji_client.errors import ConnectionFailed, ServerTrouble, TooManyRequests
from igemoji_client.models import Task, WatchEvent
from igemoji_client.transport import Call, Transport

SILENT_SECONDS = 25.0
"""A stream that says nothing for so long is lost: the server sends a heartbeat every ten seconds."""
STREAMS_TRIED = 3
"""So many streams in a row that bring nothing, and the task is asked for instead."""
AGAIN_SECONDS = 0.5
POLL_SECONDS = 1.0


async def watched(transport: Transport, path: str, ask: Callable[[], Awaitable[Task]]) -> AsyncGenerator[Task, None]:
    """Every step, until the server has no more: one that ended and was revised goes through DONE more than once."""
    last, fruitless, ended = 0, 0, False
    while fruitless < STREAMS_TRIED:
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
            if isinstance(error, ServerTrouble) and not error.passing:
                raise
            await asyncio.sleep(error.retry_after or 0)
        finally:
            await events.aclose()
        await asyncio.sleep(AGAIN_SECONDS * fruitless)
    async for task in _polled(ask):
        yield task


async def _stream(transport: Transport, path: str, last: int) -> AsyncGenerator[WatchEvent, None]:
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": str(last)} if last else {})
    call = Call("GET", f"{path}/events", headers=headers, safe=True, read_seconds=SILENT_SECONDS)
    async with transport.stream(call) as response:
        async for told in httpx_sse.EventSource(response).aiter_sse():
            if told.data:
                yield WatchEvent.model_validate_json(told.data)


async def _polled(ask: Callable[[], Awaitable[Task]]) -> AsyncGenerator[Task, None]:
    known: Task | None = None
    while known is None or not known.state.ended:
        task = await ask()
        if task != known:
            known = task
            yield task
        if not task.state.ended:
            await asyncio.sleep(POLL_SECONDS)
