"""Two replicas of each service and three workers behind one gateway: all take part, and clients see one service."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client.parser import text_string_to_metric_families

from igemoji_stack.mesh.options import SERVICES, WORKER

pytestmark = pytest.mark.real


@pytest.fixture(autouse=True)
def _on_real_backends(request):
    if request.config.getoption("--backend") != "real":
        pytest.skip("embedded backends have no replicas: pytest --backend real")


def total(http, port: int, name: str) -> float:
    families = text_string_to_metric_families(http.get(f"http://127.0.0.1:{port}/metrics").text)
    return sum(sample.value for family in families for sample in family.samples if sample.name == name)


def test_every_replica_and_every_worker_takes_part(mesh, me, built_in, group_photo, eventually):
    for _ in range(4):
        tasks = [me.upload(group_photo, built_in["id"]).json()["task_id"] for _ in range(4)]
        for task_id in tasks:
            assert me.events(task_id)[-1]["task"]["state"] == "TASK_STATE_DONE"
            assert me.get(f"/api/v1/faces/tasks/{task_id}/image").status_code == 200
        assert me.get("/api/v1/users/mypage/result").status_code == 200
        assert me.get("/api/v1/faces/ranking").status_code == 200
    answered = {
        service: [total(me.http, port, "igemoji_rpc_seconds_count") for port in mesh.metrics_ports(service)]
        for service in SERVICES
    }
    assert all(len(replicas) == 2 and min(replicas) > 0 for replicas in answered.values()), answered

    def worked() -> list[float]:
        return [total(me.http, port, "igemoji_inference_tasks_total") for port in mesh.metrics_ports(WORKER)]

    eventually(lambda: len(worked()) == 3 and min(worked()) > 0, 60)


def test_replicas_read_their_writes(me):
    """Each call may reach another replica, so a chain of calls breaks if a replica does not see earlier writes."""
    for number in range(12):
        emoji = me.make_template(f"Mine {number}").json()
        assert me.get(f"/api/v1/emojis/{emoji['id']}").json()["name"] == f"Mine {number}"
        deleted = me.http.delete(f"/api/v1/emojis/{emoji['id']}", headers=me.headers)
        assert deleted.status_code in (200, 204), deleted.text
        assert me.get(f"/api/v1/emojis/{emoji['id']}").status_code == 404


def test_concurrent_registrations_on_replicas_create_one_account(newcomer):
    def take(number: int) -> int:
        account = {
            "email": f"{number}{newcomer.email}",
            "password": newcomer.password,
            "alias": newcomer.alias,
        }
        return int(newcomer.http.post("/api/v1/users", json=account).status_code)

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(take, range(8))) == [201] + [409] * 7
