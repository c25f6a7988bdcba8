"""A private RabbitMQ with its own Erlang port mapper (epmd)."""

from igemoji_mesh.testing.free_ports import HOST, free_ports
from igemoji_stack.backends.server import BackendServer, answers, program, write_private

USER = "igemoji"
AMQP_0_9_1 = b"AMQP\x00\x00\x09\x01"
CONNECTION_START = b"\x00\x0a\x00\x0a"


class RabbitMq(BackendServer):
    """RabbitMQ, reachable on 127.0.0.1 only."""

    name = "rabbitmq"

    @property
    def url(self) -> str:
        """`TASK_QUEUE_URL` of this server."""
        return f"amqp://{USER}:{self._secret('rabbitmq')}@{HOST}:{self.port}//"

    async def _bring_up(self) -> None:
        server = program("rabbitmq-server", "rabbitmq-server", "/usr/lib/rabbitmq/bin")
        epmd = program("epmd", "rabbitmq-server")
        if "epmd" not in self.pids:  # only these two processes know the TCP ports
            self._epmd_port, self._distribution_port = free_ports(2)
        await self._run(
            "epmd", [epmd, "-address", HOST, "-port", str(self._epmd_port)], {}, lambda: _is_epmd(self._epmd_port)
        )
        await self._run(self.name, [server], self._environment(), self._answers)

    def _environment(self) -> dict[str, str]:
        folder = self.folder
        conf, advanced, plugins = folder / "rabbitmq.conf", folder / "advanced.config", folder / "plugins"
        write_private(
            conf,
            f"listeners.tcp.1 = {HOST}:{self.port}\n"
            f"default_user = {USER}\ndefault_pass = {self._secret('rabbitmq')}\n"
            "loopback_users = none\nlog.console = false\ndisk_free_limit.absolute = 50MB\n",
        )
        advanced.write_text("[{kernel,[{inet_dist_use_interface,{127,0,0,1}}]}].\n")
        plugins.write_text("[].\n")
        return {
            "HOME": str(folder),  # the Erlang cookie is there
            "LANG": "C.UTF-8",
            "RUNNING_UNDER_SYSTEMD": "true",  # exec the server: no shell between it and its supervisor
            "ERL_CRASH_DUMP": str(folder / "log" / "erl_crash.dump"),
            "ERL_EPMD_ADDRESS": HOST,
            "ERL_EPMD_PORT": str(self._epmd_port),
            "RABBITMQ_NODENAME": "igemoji@localhost",
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_CONFIG_FILE": str(conf),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(advanced),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +S 2:2 -start_epmd false",
            "RABBITMQ_CTL_ERL_ARGS": "-start_epmd false",
        }

    def _answers(self) -> bool:
        return answers(self.port, AMQP_0_9_1, CONNECTION_START)


def _is_epmd(port: int) -> bool:
    """Return whether an Erlang port mapper answers on a TCP port. Raises OSError."""
    return answers(port, b"\x00\x01n", port.to_bytes(4, "big"))
