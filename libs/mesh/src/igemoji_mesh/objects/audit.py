"""Audit: compares the objects in the store with the rows that refer to them. For operators, while services run."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from igemoji_mesh.objects.checksums import checksum_of
from igemoji_mesh.objects.port import ObjectMissing, ObjectStore


@dataclass(frozen=True)
class ObjectRef:
    """Reference of a row to an object."""

    key: str
    checksum: str
    """Empty for objects from before checksums: only their existence is checked."""
    owner: str
    """Row that refers to it, for people: `task 0198…`."""


class ObjectReferences(Protocol):
    """References of a service's rows to its objects."""

    swept: tuple[str, ...]
    """Prefixes below which an object without a reference is an orphan."""

    def references(self) -> AsyncIterator[ObjectRef]:
        """Yield all references."""

    async def is_referenced(self, key: str) -> bool:
        """Return whether a row refers to an object, or may do so soon: it is young or about to be deleted."""


@dataclass
class AuditReport:
    """Result of an audit."""

    intact: int = 0
    unchecked: int = 0
    """Objects without a checksum that exist."""
    damaged: list[ObjectRef] = field(default_factory=list)
    missing: list[ObjectRef] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    """Keys without a reference."""

    @property
    def is_whole(self) -> bool:
        """Return whether no referenced object is missing or damaged; an orphan is no loss."""
        return not self.damaged and not self.missing

    def report(self, service: str) -> str:
        """Return one line for each finding, and a summary."""
        lines = [f"damaged  {ref.key}  of {ref.owner}" for ref in self.damaged]
        lines += [f"missing  {ref.key}  of {ref.owner}" for ref in self.missing]
        lines += [f"orphan   {key}" for key in self.orphans]
        lines.append(
            f"{service}: {self.intact} objects intact, {self.unchecked} without a checksum, "
            f"{len(self.damaged)} damaged, {len(self.missing)} missing, {len(self.orphans)} orphans"
        )
        return "\n".join(lines) + "\n"


async def audit(objects: ObjectStore, rows: ObjectReferences) -> AuditReport:
    """Read every referenced object and list orphans. Changes nothing."""
    report = AuditReport()
    async for ref in rows.references():
        note = await asyncio.to_thread(_verify, objects, ref, report)
        # A running service may have deleted both since the row was read.
        if note is not None and await rows.is_referenced(ref.key):
            note(ref)
    for prefix in rows.swept:
        for key in await asyncio.to_thread(lambda keys: sorted(keys()), partial(objects.keys, prefix)):
            if not await rows.is_referenced(key):
                report.orphans.append(key)
    return report


def _verify(objects: ObjectStore, ref: ObjectRef, report: AuditReport) -> Callable[[ObjectRef], None] | None:
    """Count an object that is fine and return None; otherwise return the function that reports it."""
    try:
        found = checksum_of(objects, ref.key) if ref.checksum else ""
        if not ref.checksum and not objects.exists(ref.key):
            return report.missing.append
    except ObjectMissing:
        return report.missing.append
    if found != ref.checksum:
        return report.damaged.append
    if ref.checksum:
        report.intact += 1
    else:
        report.unchecked += 1
    return None
