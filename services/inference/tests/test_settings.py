"""Parts that can't work together are told at start, in a sentence."""

import pytest

from igemoji_inference.entrypoints.settings import Settings, WorkerSettings, check_parts
from igemoji_mesh.errors import StartError

REAL = {
    "database_url": "mysql+pymysql://inference:secret@db/inference",
    "object_store_url": "s3://photos?endpoint=http://s3",
    "task_queue_url": "amqp://broker",
    "progress_url": "redis://redis",
}


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ("database_url", "a database on the network"),
        ("object_store_url", "an object store on the network"),
        ("progress_url", "to hear of their progress"),
    ],
)
def test_workers_elsewhere_need_every_part_on_the_network(mesh, missing, sentence):
    parts = REAL | {missing: ""}
    for settings in (mesh.settings(Settings, "inference", **parts), WorkerSettings(**parts)):
        with pytest.raises(StartError, match=sentence):
            check_parts(settings)


@pytest.mark.parametrize(("setting", "url"), [("task_queue_url", "redis://host"), ("progress_url", "memcached://host")])
def test_a_part_of_another_kind_is_named(mesh, setting, url):
    with pytest.raises(StartError, match=f"{setting.upper()} names {url.split(':')[0]}"):
        check_parts(mesh.settings(Settings, "inference", **REAL | {setting: url}))


@pytest.mark.parametrize("parts", [{}, REAL, {"progress_url": "redis://redis"}])
def test_other_mixes_are_taken(mesh, parts):
    check_parts(mesh.settings(Settings, "inference", **parts))


def test_a_worker_has_no_certificate_and_no_address_of_a_service():
    known = set(WorkerSettings.model_fields)
    assert not {name for name in known if name.startswith("tls_") or name.endswith("_address")}
