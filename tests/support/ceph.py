"""A private Ceph with its S3 gateway (radosgw): a second S3 implementation for the contract tests.

Its only OSD keeps objects in memory: they are lost when the cluster stops.
"""

import asyncio
import json
import subprocess
import uuid
from pathlib import Path
from urllib.parse import urlencode

from igemoji_mesh.testing.free_ports import HOST, free_ports
from igemoji_stack.backends.server import BackendFailed, BackendServer, answers, program, write_private

ACCESS_KEY = "igemoji"
GATEWAY = "client.rgw"
TRIES = 20

_CONF = """\
[global]
fsid={fsid}
mon_host=[v1:{host}:{mon_port}]
ms_bind_ipv4=true
ms_bind_ipv6=false
ms_bind_msgr2=false
public_addr={host}
cluster_addr={host}
auth_cluster_required=none
auth_service_required=none
auth_client_required=none
auth_allow_insecure_global_id_reclaim=true
osd_pool_default_size=1
osd_pool_default_min_size=1
osd_pool_default_pg_num=4
osd_pool_default_pg_autoscale_mode=off
mon_allow_pool_size_one=true
osd_crush_chooseleaf_type=0
run_dir={folder}/run
log_file={folder}/log/$name.log
admin_socket={folder}/run/$name.asok
pid_file={folder}/run/$name.pid
[mon.a]
mon_data={folder}/mon
mon_data_avail_crit=1
mon_data_avail_warn=2
[osd.0]
osd_data={folder}/osd
osd_objectstore=memstore
memstore_device_bytes=2147483648
osd_class_load_list=*
osd_class_default_list=*
# A new OSD is sometimes refused when it registers its own location ("wrong fsid"): `ceph osd crush add` does it.
osd_crush_update_on_start=false
osd_class_update_on_start=false
[client.rgw]
rgw_frontends=beast endpoint={host}:{port}
rgw_data={folder}/rgw
rgw_thread_pool_size=32
rgw_gc_max_objs=4
rgw_lc_max_objs=4
rgw_lc_lock_max_time=1
rgw_usage_max_shards=4
rgw_num_rados_handles=1
rgw_dns_name={host}
"""


class Ceph(BackendServer):
    """One monitor, one OSD in memory and one radosgw."""

    name = "ceph"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._fsid = str(uuid.uuid4())
        self._mon_port = free_ports(1)[0]

    @property
    def endpoint(self) -> str:
        """URL of the S3 API."""
        return f"http://{HOST}:{self.port}"

    @property
    def keys(self) -> dict[str, str]:
        """The credentials, as the environment variables of the services."""
        return {"OBJECT_STORE_ACCESS_KEY": ACCESS_KEY, "OBJECT_STORE_SECRET_KEY": self._secret("s3")}

    def url(self, bucket: str) -> str:
        """Return the `OBJECT_STORE_URL` of a bucket, or of `bucket/prefix`."""
        return f"s3://{bucket}?{urlencode({'endpoint': self.endpoint})}"

    async def kill(self) -> None:
        """Kill the S3 gateway only: killing the OSD would lose the objects in its memory."""
        await self._processes["radosgw"].kill()

    async def restart(self) -> None:
        """Restart the S3 gateway only, for the same reason."""
        await self._processes["radosgw"].stop()
        await self.start()

    async def admin(self, *arguments: str) -> str:
        """Run radosgw-admin and return its output."""
        return await self._tool(program("radosgw-admin", "radosgw"), "-n", GATEWAY, *self._conf, *arguments)

    async def _bring_up(self) -> None:
        mon, osd = program("ceph-mon", "ceph-mon"), program("ceph-osd", "ceph-osd")
        gateway = program("radosgw", "radosgw")
        self._ceph = program("ceph", "ceph-common")
        self._conf = ("-c", str(self.folder / "ceph.conf"))
        new = not (self.folder / "ceph.conf").exists()
        if new:
            await self._make_monitor(mon)
        await self._run("mon", [mon, "-i", "a", *self._conf, "-f"], {}, self._monitor_answers)
        if new:
            await self._command("osd", "create")
            await self._command("osd", "crush", "add", "osd.0", "1.0", "root=default", "host=here")
            await self._tool(osd, "-i", "0", *self._conf, "--mkfs")
        await self._run("osd", [osd, "-i", "0", *self._conf, "-f"], {}, self._osd_is_up)
        await self._run("radosgw", [gateway, "-n", GATEWAY, *self._conf, "-f"], {}, self._answers)
        if new:
            secret = self._secret("s3")
            user = ("--uid=igemoji", "--display-name=igemoji", f"--access-key={ACCESS_KEY}", f"--secret={secret}")
            await self.admin("user", "create", *user)

    async def _make_monitor(self, mon: str) -> None:
        folder = self.folder
        for name in ("run", "log", "osd", "rgw"):
            (folder / name).mkdir()
        values = {"fsid": self._fsid, "host": HOST, "mon_port": self._mon_port, "folder": folder, "port": self.port}
        monmap = str(folder / "monmap")
        address = f"[v1:{HOST}:{self._mon_port}]"
        await self._tool("monmaptool", "--create", "--fsid", self._fsid, "--addv", "a", address, monmap)
        write_private(folder / "ceph.conf", _CONF.format(**values))
        await self._tool(mon, "-i", "a", "--mkfs", "--monmap", monmap, *self._conf)

    async def _command(self, *arguments: str) -> str:
        """Run a `ceph` command; retry while the monitor answers EPERM, as it may in its first seconds."""
        for _ in range(TRIES):
            try:
                return await self._tool(self._ceph, *self._conf, "--connect-timeout", "20", *arguments)
            except BackendFailed as error:
                if "EPERM" not in str(error):
                    raise
                refused = error
            await asyncio.sleep(1)
        raise refused

    def _monitor_answers(self) -> bool:
        # The TCP port is open before commands are accepted: until then they fail with EPERM.
        return answers(self._mon_port, b"", b"ceph") and self._query("mon", "stat").returncode == 0

    def _osd_is_up(self) -> bool:
        answer = self._query("osd", "stat", "--format", "json")
        return answer.returncode == 0 and json.loads(answer.stdout)["num_up_osds"] == 1

    def _query(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = [self._ceph, *self._conf, "--connect-timeout", "5", *arguments]
        return subprocess.run(command, capture_output=True, timeout=30, check=False)

    def _answers(self) -> bool:
        return answers(self.port, f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode(), b"HTTP/1.1 ")
