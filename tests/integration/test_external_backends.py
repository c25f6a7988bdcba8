"""`igemoji up --backend real` on backends that run already, and redirects to the object store."""

import secrets
from urllib.parse import urlencode

import grpc
import httpx
import pytest
from support.users import ASSETS, PEOPLE_PHOTO, finish, first_template

from igemoji.inference.v1 import inference_pb2, inference_pb2_grpc
from igemoji_client import AsyncClient
from igemoji_stack.backends.backend import Backend, Urls
from igemoji_stack.backends.mariadb import MariaDb
from igemoji_stack.backends.nanio import Nanio
from igemoji_stack.backends.rabbitmq import RabbitMq
from igemoji_stack.backends.redis import Redis
from igemoji_stack.mesh.mesh import Mesh
from igemoji_stack.mesh.options import CannotStart, MeshOptions

pytestmark = pytest.mark.real


@pytest.fixture
def urls(mariadb: MariaDb, rabbitmq: RabbitMq, redis: Redis, nanio: Nanio, monkeypatch: pytest.MonkeyPatch) -> Urls:
    """Return the URLs of backends, with an object store that browsers can reach."""
    for name, value in nanio.keys.items():
        monkeypatch.setenv(name, value)
    public = urlencode({"public_endpoint": nanio.endpoint})
    return Urls(
        database=mariadb.admin_url(f"given_{secrets.token_hex(4)}"),
        queue=rabbitmq.url,
        progress=redis.url,
        objects=f"{nanio.url(f'given-{secrets.token_hex(4)}')}&{public}",
    )


async def test_browsers_are_redirected_to_the_object_store_and_grpc_clients_are_not(urls, nanio, tmp_path):
    options = MeshOptions(tmp_path, ASSETS, port=0, workers=1, backend=Backend.REAL, urls=urls, rate_factor=100)
    mesh = Mesh(options)
    await mesh.start()
    try:
        assert mesh.backends is not None
        assert mesh.backends.own == {}
        async with AsyncClient(mesh.url) as client, httpx.AsyncClient(base_url=mesh.url, timeout=60) as http:
            session = await client.accounts.start_guest()
            headers = {"Authorization": f"Bearer {session.access_token}"}
            task = await finish(client, PEOPLE_PHOTO, (await first_template(client)).id)

            answer = await http.get(task.image_url, headers=headers)
            assert answer.status_code == 307
            assert answer.content == b""
            assert answer.headers["cache-control"] == "private, no-store"
            link = answer.headers["location"]
            assert link.startswith(nanio.endpoint)
            photo = await http.get(link)
            assert photo.headers["content-type"] == "image/jpeg"
            assert (await http.get(task.image_url)).status_code == 401

            picture = await http.get(f"/api/v1/emojis/{task.emoji_id}/images/happy")
            assert (picture.status_code, picture.headers["cache-control"]) == (307, "public, max-age=3000")
            assert (await http.get(picture.headers["location"])).headers["content-type"] == "image/png"

        async with grpc.aio.insecure_channel(mesh.url.removeprefix("http://")) as channel:
            request = inference_pb2.GetResultImageRequest(task_id=task.task_id)
            call = inference_pb2_grpc.InferenceServiceStub(channel).GetResultImage(
                request, metadata=[("authorization", headers["Authorization"])]
            )
            assert b"".join([piece.data async for piece in call]) == photo.content
    finally:
        await mesh.stop()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"database": "mysql+pymysql://unknown:wrong@127.0.0.1:{port}/x"},
            "The database x_auth can't be used: .*denied",
        ),
        ({"database": "postgresql://host/x"}, "must look like mysql"),
        ({"database": "mysql+pymysql://host"}, "must look like mysql"),
    ],
    ids=["wrong password", "another kind", "no name"],
)
async def test_unusable_database_is_one_sentence(urls, mariadb, tmp_path, changes, sentence):
    database = changes["database"].format(port=mariadb.port)
    options = MeshOptions(
        tmp_path, ASSETS, port=0, backend=Backend.REAL, urls=Urls(database, urls.queue, urls.progress, urls.objects)
    )
    with pytest.raises(CannotStart, match=sentence):
        await Mesh(options).start()


@pytest.mark.parametrize("changes", [{"replicas": 2}, {"urls": Urls(queue="amqp://host")}], ids=["replicas", "a URL"])
async def test_embedded_backends_have_neither_replicas_nor_urls(tmp_path, changes):
    with pytest.raises(CannotStart, match="need --backend real"):
        await Mesh(MeshOptions(tmp_path, ASSETS, port=0, **changes)).start()


async def test_data_of_another_backend_is_refused(tmp_path):
    (tmp_path / "auth.db").touch()
    with pytest.raises(CannotStart, match="is kept by --backend embedded"):
        await Mesh(MeshOptions(tmp_path, ASSETS, port=0, backend=Backend.REAL)).start()
