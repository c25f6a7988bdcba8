"""Find the photos that the arguments name, and the path of each result."""

import contextlib
import glob
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from igemoji_stack.photo.errors import CannotWork
from igemoji_stack.photo.journal import Journals

EXTENSIONS = {".jpg": ".jpg", ".jpeg": ".jpeg", ".png": ".png", ".webp": ".webp", ".heic": ".jpg", ".heif": ".jpg"}
"""Extension of the result by extension of the photo: HEIC becomes JPEG."""

MARK = ".igemoji"
"""Precedes the extension of a result beside its photo."""


@dataclass(frozen=True, slots=True)
class Found:
    """A photo, and the base folder whose tree is mirrored under OUT."""

    photo: Path
    base: Path


@dataclass(frozen=True, slots=True)
class Job:
    """A photo and the path of its result."""

    photo: Path
    output: Path

    @property
    def relative_photo(self) -> str:
        """Path of the photo from the folder of the result, as journals have it."""
        return os.path.relpath(self.photo, self.output.parent)


def plan(arguments: Sequence[str], out: str | None, journals: Journals) -> list[Job]:
    """Return the photos to process, in the order of the arguments; within a folder, by name.

    Args:
        arguments: Files, folders and globs.
        out: A file for one photo, else a folder; None writes beside each photo.
        journals: Results in these journals are not photos.

    Raises:
        CannotWork: if an argument names no photo, or a result would overwrite a photo or another result.
    """
    photos = find(arguments, journals)
    if out is not None and _is_file_name(out, arguments):
        jobs = [Job(photos[0].photo, Path(out))]
        _check_kind(jobs[0])
    else:
        folder = None if out is None else Path(out)
        if folder is not None and folder.exists() and not folder.is_dir():
            raise CannotWork(f"{out} is a file: for more than one photo -o has to be a folder.")
        jobs = _distinct([Job(found.photo, _output(found, folder)) for found in photos])
    _check_originals(jobs)
    return jobs


def find(arguments: Sequence[str], journals: Journals) -> list[Found]:
    """Return each photo once, without the results of earlier runs. Raises CannotWork."""
    seen: dict[str, Found] = {}
    for argument in arguments:
        before = len(seen)
        results = 0
        for found in _expanded(argument):
            if _is_result(found.photo, journals):
                results += 1
                continue
            seen.setdefault(os.path.abspath(found.photo), found)
        if len(seen) == before and len(arguments) == 1:
            extensions = ", ".join(end[1:] for end in EXTENSIONS)
            what = "nothing but results of igemoji" if results else f"no photo ({extensions})"
            raise CannotWork(f"There is {what} in {argument}.")
    if not seen:
        raise CannotWork("The arguments name no photo, or only results of igemoji.")
    return list(seen.values())


def _expanded(argument: str) -> Iterator[Found]:
    path = Path(argument)
    if path.is_dir():
        yield from _walk(path, path)
    elif path.is_file():
        yield Found(path, path.parent)
    elif path.exists():
        raise CannotWork(f"{argument} is neither a file nor a folder.")
    elif glob.has_magic(argument):
        base = _fixed_part(argument)
        for match in sorted(glob.glob(argument, recursive=True)):
            if os.path.isdir(match):
                yield from _walk(Path(match), base)
            elif _looks_like_a_photo(Path(match)):
                yield Found(Path(match), base)
    else:
        raise CannotWork(f"There is no photo and no folder {argument}.")


def _walk(folder: Path, base: Path) -> Iterator[Found]:
    """Yield the photos in a folder; hidden files are skipped: thumbnails, trash, files of other systems."""

    def fail(error: OSError) -> None:
        raise CannotWork(f"The folder {error.filename} can't be read: {error.strerror}.")

    for here, folders, names in os.walk(folder, onerror=fail):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(here, name)
            if not name.startswith(".") and _looks_like_a_photo(path):
                yield Found(path, base)


def _looks_like_a_photo(path: Path) -> bool:
    return path.suffix.lower() in EXTENSIONS and path.is_file()


def _is_result(photo: Path, journals: Journals) -> bool:
    if Path(photo.stem).suffix == MARK:
        return True
    try:
        return photo.name in journals.of(photo.parent)
    except OSError as error:
        raise CannotWork(f"{error.filename} can't be read: {error.strerror}.") from None


def _fixed_part(pattern: str) -> Path:
    """Return the folder before the first wildcard."""
    parts = Path(pattern).parts
    fixed = next(number for number, part in enumerate(parts) if re.search(r"[*?\[]", part))
    return Path(*parts[:fixed])


def _is_file_name(out: str, arguments: Sequence[str]) -> bool:
    one_photo = len(arguments) == 1 and Path(arguments[0]).is_file()
    return one_photo and Path(out).suffix != "" and not out.endswith(os.sep) and not Path(out).is_dir()


def _output(found: Found, out: Path | None) -> Path:
    photo = found.photo
    ending = _ending(photo)
    if out is None:
        return photo.with_name(f"{photo.stem}{MARK}{ending}")
    return out / photo.relative_to(found.base).with_name(photo.stem + ending)


def _ending(photo: Path) -> str:
    """Return the extension of the result, in upper or lower case like the photo's if it is the same."""
    own = photo.suffix.lower()
    wanted = EXTENSIONS.get(own, own)
    return photo.suffix if wanted == own else wanted


def _distinct(jobs: Sequence[Job]) -> list[Job]:
    """Give results different names if their photos differ in the extension only, such as a.jpg and a.heic."""
    groups: dict[Path, list[Job]] = defaultdict(list)
    for job in jobs:
        groups[job.output].append(job)
    distinct = [_with_whole_name(job) if len(groups[job.output]) > 1 else job for job in jobs]
    by_output: dict[Path, Path] = {}
    for job in distinct:
        other = by_output.setdefault(job.output, job.photo)
        if other is not job.photo:
            raise CannotWork(
                f"{other} and {job.photo} would both become {job.output}: process them separately, or name a folder."
            )
    return distinct


def _with_whole_name(job: Job) -> Job:
    """Name the result of a.heic a.heic.jpg, because a.jpg is another photo."""
    if job.photo.suffix.lower() == job.output.suffix.lower():
        return job
    mark = MARK if Path(job.output.stem).suffix == MARK else ""
    return Job(job.photo, job.output.with_name(f"{job.photo.name}{mark}{job.output.suffix}"))


def _check_kind(job: Job) -> None:
    """Check that the name of a result has the extension of its format."""
    kinds = {".jpeg": ".jpg", ".heic": ".jpg", ".heif": ".jpg"}
    photo, output = job.photo.suffix.lower(), job.output.suffix.lower()
    wanted = kinds.get(photo, photo)
    if photo in EXTENSIONS and kinds.get(output, output) != wanted:
        raise CannotWork(f"The result of {job.photo} is a {wanted[1:].upper()} file: give -o a name with {wanted}.")


def _check_originals(jobs: Sequence[Job]) -> None:
    """Refuse to overwrite an original, also through links and on case-insensitive file systems."""
    originals = {identity: job.photo for job in jobs if (identity := _identity(job.photo))}
    for job in jobs:
        identity = _identity(job.output)
        if original := originals.get(identity) if identity else None:
            raise CannotWork(f"The result of {job.photo} would overwrite the photo {original}: give another -o.")


def _identity(path: Path) -> tuple[int, int] | None:
    """Return device and inode of a file; None if it does not exist."""
    with contextlib.suppress(OSError):
        status = path.stat()
        return status.st_dev, status.st_ino
    return None
