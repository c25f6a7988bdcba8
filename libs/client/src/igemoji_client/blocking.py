"""Groups of calls for threads, derived from the groups for asyncio: the same methods, signatures and docstrings."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from anyio.from_thread import BlockingPortal

from igemoji_client.accounts import AsyncAccounts
from igemoji_client.operators import AsyncModeration
from igemoji_client.tasks import AsyncTasks
from igemoji_client.templates import AsyncTemplates

P = ParamSpec("P")
T = TypeVar("T")


class Loop:
    """Run coroutines in the thread of the event loop, for any number of threads."""

    def __init__(self, portal: BlockingPortal) -> None:
        self._portal = portal

    def run(self, method: Callable[P, Awaitable[T]], *args: P.args, **options: P.kwargs) -> T:
        """Call a method in the event loop and wait for what it returns."""

        async def call() -> T:
            return await method(*args, **options)

        return self._portal.call(call)

    def iterate(self, items: AsyncGenerator[T, None]) -> Generator[T, None, None]:
        """Yield what an asynchronous generator yields, and close it at the end."""

        async def following() -> tuple[T, ...]:
            async for item in items:
                return (item,)
            return ()

        try:
            while item := self._portal.call(following):
                yield item[0]
        finally:
            self._portal.call(items.aclose)


class Group:
    """A group of calls: the asynchronous one, and the loop to run it in."""

    def __init__(self, loop: Loop, own: Any) -> None:
        self._loop = loop
        self._own = own


def blocking(method: Callable[Concatenate[Any, P], Awaitable[T]]) -> Callable[Concatenate[Group, P], T]:
    """Derive a method that waits for the result of an asynchronous one."""

    @wraps(method)
    def call(group: Group, /, *args: P.args, **options: P.kwargs) -> T:
        return group._loop.run(method, group._own, *args, **options)

    return call


def iterating(
    method: Callable[Concatenate[Any, P], AsyncGenerator[T, None]],
) -> Callable[Concatenate[Group, P], Generator[T, None, None]]:
    """Derive a generator from an asynchronous one."""

    @wraps(method)
    def call(group: Group, /, *args: P.args, **options: P.kwargs) -> Generator[T, None, None]:
        return group._loop.iterate(method(group._own, *args, **options))

    return call


class Accounts(Group):
    """Accounts and logins; see AsyncAccounts."""

    register = blocking(AsyncAccounts.register)
    log_in = blocking(AsyncAccounts.log_in)
    start_guest = blocking(AsyncAccounts.start_guest)
    log_out = blocking(AsyncAccounts.log_out)
    is_available = blocking(AsyncAccounts.is_available)
    me = blocking(AsyncAccounts.me)
    rename = blocking(AsyncAccounts.rename)
    change_password = blocking(AsyncAccounts.change_password)
    request_password_reset = blocking(AsyncAccounts.request_password_reset)
    confirm_password_reset = blocking(AsyncAccounts.confirm_password_reset)
    export = blocking(AsyncAccounts.export)
    delete = blocking(AsyncAccounts.delete)
    deletion = blocking(AsyncAccounts.deletion)
    wait_deleted = blocking(AsyncAccounts.wait_deleted)
    results = iterating(AsyncAccounts.results)
    uploads = iterating(AsyncAccounts.uploads)


class Templates(Group):
    """Templates; see AsyncTemplates."""

    create = blocking(AsyncTemplates.create)
    preview = blocking(AsyncTemplates.preview)
    get = blocking(AsyncTemplates.get)
    page = blocking(AsyncTemplates.page)
    list = iterating(AsyncTemplates.list)
    update = blocking(AsyncTemplates.update)
    delete = blocking(AsyncTemplates.delete)
    add_favorite = blocking(AsyncTemplates.add_favorite)
    remove_favorite = blocking(AsyncTemplates.remove_favorite)
    report = blocking(AsyncTemplates.report)
    picture = blocking(AsyncTemplates.picture)


class Tasks(Group):
    """Tasks; see AsyncTasks. `on_progress` is called in the thread of the event loop."""

    create = blocking(AsyncTasks.create)
    get = blocking(AsyncTasks.get)
    watch = iterating(AsyncTasks.watch)
    wait = blocking(AsyncTasks.wait)
    cancel = blocking(AsyncTasks.cancel)
    delete = blocking(AsyncTasks.delete)
    result_image = blocking(AsyncTasks.result_image)
    save_result = blocking(AsyncTasks.save_result)
    revise_face = blocking(AsyncTasks.revise_face)
    add_face = blocking(AsyncTasks.add_face)
    share = blocking(AsyncTasks.share)
    unshare = blocking(AsyncTasks.unshare)
    shared = blocking(AsyncTasks.shared)
    shared_image = blocking(AsyncTasks.shared_image)


class Moderation(Group):
    """The operators' queue; see AsyncModeration."""

    reports = iterating(AsyncModeration.reports)
    decide = blocking(AsyncModeration.decide)
