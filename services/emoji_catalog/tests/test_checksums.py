"""Damaged pictures: reported by the audit, never served."""

import asyncio
from hashlib import sha256

import grpc
import pytest

from igemoji_emoji_catalog.entrypoints.cli import operate
from igemoji_mesh.testing.mesh import error_reason

from .conftest import faces, refusal, until


@pytest.fixture
def check(settings, capsys, monkeypatch):
    """Run `igemoji-emoji-catalog check-objects`; return its output and exit code."""

    async def check(*options: str) -> tuple[int, str]:
        monkeypatch.setenv("DATA_DIR", str(settings.data_dir))
        monkeypatch.setenv("DATABASE_URL", settings.database("emoji-catalog"))
        capsys.readouterr()
        try:
            await asyncio.to_thread(operate, ["check-objects", *options])
        except SystemExit as end:
            return int(end.code or 0), capsys.readouterr().out
        return 0, capsys.readouterr().out

    return check


def damage(catalog, digest: str) -> None:
    path = catalog.pictures / f"{digest}.png"
    path.write_bytes(path.read_bytes()[:-1] + b"!")


async def test_damaged_picture_is_data_loss(catalog, anna):
    emoji = await catalog.create(anna)
    damage(catalog, emoji.images.happy.partition("?v=")[2])
    error = await refusal(catalog.image(emoji, "happy"))
    assert (error.code(), error_reason(error)) == (grpc.StatusCode.DATA_LOSS, "OBJECT_DAMAGED")
    assert await catalog.image(emoji, "sad")


async def test_damaged_picture_cannot_be_a_base(catalog, anna):
    emoji = await catalog.create(anna)
    damage(catalog, emoji.images.happy.partition("?v=")[2])
    error = await refusal(catalog.create(anna, "Again", images={}, base_id=emoji.id))
    assert error.code() == grpc.StatusCode.DATA_LOSS


async def test_audit_reports_damaged_missing_and_orphaned_pictures(catalog, anna, check):
    emoji = await catalog.create(anna)
    assert await check() == (
        0,
        "emoji-catalog: 7 objects intact, 0 without a checksum, 0 damaged, 0 missing, 0 orphans\n",
    )
    happy, sad = (getattr(emoji.images, name).partition("?v=")[2] for name in ("happy", "sad"))
    damage(catalog, happy)
    (catalog.pictures / f"{sad}.png").unlink()
    orphan = sha256(b"x").hexdigest()
    (catalog.pictures / f"{orphan}.png").write_bytes(b"x")
    assert await check() == (
        1,
        f"damaged  pictures/{happy}.png  of template {emoji.id}\n"
        f"missing  pictures/{sad}.png  of template {emoji.id}\n"
        f"orphan   pictures/{orphan}.png\n"
        "emoji-catalog: 5 objects intact, 0 without a checksum, 1 damaged, 1 missing, 1 orphans\n",
    )


async def test_orphans_are_swept_unless_a_template_refers_to_them(catalog, anna, ben, check):
    kept = await catalog.create(anna)
    released = await catalog.create(ben, images=faces(200))
    orphan = sha256(b"x").hexdigest()
    (catalog.pictures / f"{orphan}.png").write_bytes(b"x")
    await check("--remove-orphans")
    await catalog.delete(released.id, ben)  # wakes the sweep
    await until(lambda: len(catalog.stored()) == 7)
    assert await catalog.image(kept, "happy")
