"""Taking stock: what rows name, against what lies in the object store. For operators, beside services that run."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Protocol

from igemoji_mesh.objects.checksums import measured
from igemoji_mesh.objects.port import ObjectMissing, ObjectStore


@dataclass(frozen=True)
class Named:
    """An object that a row names."""

    key: str
    checksum: str
    """Empty: from before checksums were kept. Then it is only looked whether it is there."""
    by: str
    """What names it, for people: `task 0198…`."""


class Ledger(Protocol):
    """What a service's rows say of its objects."""

    swept: tuple[str, ...]
    """Prefixes below which there is nothing that no row names."""

    def named(self) -> AsyncIterator[Named]:
        """Every object that must be there."""

    async def is_named(self, key: str) -> bool:
        """Whether a row names an object now, or may yet do so: it is young, or is on its way out."""


@dataclass
class Stock:
    """What was found."""

    intact: int = 0
    unchecked: int = 0
    """There, but from before checksums were kept."""
    damaged: list[Named] = field(default_factory=list)
    missing: list[Named] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    """Keys that no row names."""

    @property
    def is_whole(self) -> bool:
        """Nothing that a row names is lost. An orphan is no loss."""
        return not self.damaged and not self.missing

    def report(self, service: str) -> str:
        """A line for each fault, and one that sums up."""
        lines = [f"damaged  {named.key}  of {named.by}" for named in self.damaged]
        lines += [f"missing  {named.key}  of {named.by}" for named in self.missing]
        lines += [f"orphan   {key}" for key in self.orphans]
        lines.append(
            f"{service}: {self.intact} objects intact, {self.unchecked} without a checksum, "
            f"{len(self.damaged)} damaged, {len(self.missing)} missing, {len(self.orphans)} orphans"
        )
        return "\n".join(lines) + "\n"


async def take_stock(objects: ObjectStore, ledger: Ledger) -> Stock:
    """Reads every object that a row names, and lists what no row names. Changes nothing."""
    stock = Stock()
    async for named in ledger.named():
        verdict = await asyncio.to_thread(_judged, objects, named, stock)
        # A service that runs may have let go of it since its row was read.
        if verdict is not None and await ledger.is_named(named.key):
            verdict(named)
    for prefix in ledger.swept:
        for key in await asyncio.to_thread(lambda below=prefix: sorted(objects.keys(below))):  # type: ignore[misc]
            if not await ledger.is_named(key):
                stock.orphans.append(key)
    return stock


def _judged(objects: ObjectStore, named: Named, stock: Stock) -> Callable[[Named], None] | None:
    """Counts what is well; for what is not, where to write it down."""
    try:
        found = measured(objects, named.key) if named.checksum else ""
        if not named.checksum and not objects.exists(named.key):
            return stock.missing.append
    except ObjectMissing:
        return stock.missing.append
    if found != named.checksum:
        return stock.damaged.append
    if named.checksum:
        stock.intact += 1
    else:
        stock.unchecked += 1
    return None
