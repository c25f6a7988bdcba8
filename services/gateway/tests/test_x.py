import pytest
from .fake_mesh import *
pytestmark = pytest.mark.asyncio(loop_scope="session")
async def test_a(gateway, mesh, client, user):
    r = await client.get("/api/v1/users/me"); print(r.status_code, r.text, r.headers)
    r = await user.get("/api/v1/users/me"); print(r.status_code, r.text, r.headers)
    print(mesh.calls[-1].metadata, mesh.calls[-1].deadline_seconds)
    print(gateway.errors.read_text(), gateway.log.read_text())
    assert 0
