"""docs/limits.md: every number equals its constant, setting, Envoy field or access option."""

import dataclasses
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from igemoji_gateway.config.bootstrap import bootstrap
from igemoji_gateway.config.contract import max_request_kib, per_minute, routed, service_names
from igemoji_gateway.config.options import Certificates, GatewayOptions
from igemoji_inference.entrypoints.settings import Settings
from igemoji_protos import rpcs

DOCUMENT = (Path(__file__).parents[2] / "docs" / "limits.md").read_text()
UNITS = {
    "": 1,
    "ms": 0.001,
    "s": 1,
    "min": 60,
    "KiB": 1024,
    "MiB": 1024**2,
    "MP": 1_000_000,
}
SUFFIXES = {"_kib": 1024, "_kb": 1024, "_mib": 1024**2}
"""Units that a name ends with."""


def rows() -> list[tuple[str, str, str]]:
    """Return (limit, number, source) of each table row with a source."""
    found = []
    for line in DOCUMENT.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == 4 and cells[3].startswith("`"):
            found.append((cells[0], cells[1], cells[3].strip("`")))
    return found


def parse(number: str) -> tuple[float, ...]:
    """Parse `1,000`, `16 MiB` or `10 in 5 min`; the last in attempts and seconds."""
    parts = re.findall(r"([\d,.]+) ?([A-Za-z]*)(?: in |$)", number)
    return tuple(float(value.replace(",", "")) * UNITS["" if unit == "in" else unit] for value, unit in parts)


def value(source: str) -> tuple[float, ...]:
    """Return the value that a source names, in base units."""
    kind, _, name = source.rpartition(":")
    if kind == "envoy":
        values = {scaled(name, found) for found in fields(configuration(), name)}
        assert len(values) == 1, f"{name} has several values: {values}"
        return (values.pop(),)
    if kind == "inference":
        return (queue_limit("amqp://broker" if name == "RabbitMQ" else ""),)
    owner, attribute = resolve(source)
    model_fields = getattr(owner, "model_fields", {})
    found = model_fields[attribute].default if attribute in model_fields else getattr(owner, attribute)
    if dataclasses.is_dataclass(found):
        attempts, minutes = (item for item in dataclasses.astuple(found) if isinstance(item, int))  # type: ignore[arg-type]
        return (attempts, minutes * 60)
    return (scaled(attribute, found),)


def resolve(dotted: str) -> tuple[Any, str]:
    """Import the module in front of a dotted name; return the owner of its last part, and that part."""
    *parents, attribute = dotted.split(".")
    for end in range(len(parents), 0, -1):
        try:
            owner = importlib.import_module(".".join(parents[:end]))
        except ModuleNotFoundError:
            continue
        for part in parents[end:]:
            owner = getattr(owner, part)
        return owner, attribute
    raise AssertionError(f"no module for {dotted}")


def scaled(name: str, found: Any) -> float:
    """Return a value in base units: by the unit at the end of the name, or of an Envoy duration."""
    factor = next((factor for suffix, factor in SUFFIXES.items() if name.lower().endswith(suffix)), 1)
    return float(str(found).removesuffix("s")) * factor


def configuration() -> Any:
    """Return the configuration of a gateway with HTTPS."""
    certificates = Certificates(Path("cert"), Path("key"), Path("ca"))
    return bootstrap(GatewayOptions.cluster(service_names(routed(rpcs())), certificates, tls=certificates))


def fields(node: Any, name: str) -> Iterator[Any]:
    """Yield every value of a field, anywhere in the configuration."""
    if isinstance(node, dict):
        if name in node:
            yield node[name]
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from fields(child, name)


def queue_limit(task_queue_url: str) -> float:
    files = dict.fromkeys(("tls_cert", "tls_key", "tls_ca"), Path("unused"))
    return Settings(**files, workers=1, task_queue_url=task_queue_url).queue_limit  # type: ignore[arg-type]


def rpc_table() -> list[str]:
    lines = ["| RPC | calls per minute | body |", "|---|---|---|"]
    for rpc in sorted(routed(rpcs()), key=lambda rpc: (rpc.service, rpc.name)):
        lines.append(f"| `{rpc.service}.{rpc.name}` | {per_minute(rpc):,} | {max_request_kib(rpc):,} KiB |")
    return lines


@pytest.mark.parametrize(("limit", "number", "source"), rows(), ids=lambda text: str(text)[:60])
def test_number_in_the_table_is_the_number_in_the_code(limit: str, number: str, source: str) -> None:
    assert parse(number) == pytest.approx(value(source)), limit


def test_every_limit_has_a_source() -> None:
    assert len(rows()) > 50
    assert all(number for _limit, number, _source in rows())


def test_table_of_rpcs_is_that_of_the_contract() -> None:
    table = DOCUMENT.partition("## Rate and size per RPC")[2]
    assert [line for line in table.splitlines() if line.startswith("|")] == rpc_table()
