"""Backends that can't work together are reported at start."""

import pytest

from igemoji_inference.entrypoints.settings import Settings, WorkerSettings, check_backends
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
        ("progress_url", "for their progress"),
    ],
)
def test_celery_workers_need_every_backend_on_the_network(mesh, missing, sentence):
    urls = REAL | {missing: ""}
    for settings in (mesh.settings(Settings, "inference", **urls), WorkerSettings(**urls)):
        with pytest.raises(StartError, match=sentence):
            check_backends(settings)


@pytest.mark.parametrize(("setting", "url"), [("task_queue_url", "redis://host"), ("progress_url", "memcached://host")])
def test_an_unsupported_scheme_is_named(mesh, setting, url):
    with pytest.raises(StartError, match=f"{setting.upper()} has the scheme {url.split(':')[0]}"):
        check_backends(mesh.settings(Settings, "inference", **REAL | {setting: url}))


@pytest.mark.parametrize("urls", [{}, REAL, {"progress_url": "redis://redis"}])
def test_valid_combinations_are_accepted(mesh, urls):
    check_backends(mesh.settings(Settings, "inference", **urls))


def test_workers_get_no_certificate_and_no_service_address():
    known = set(WorkerSettings.model_fields)
    assert not {name for name in known if name.startswith("tls_") or name.endswith("_address")}
