"""How gunicorn runs the web process: one worker with threads, since each live page holds one."""

from appliance.config import load as _load
from appliance.process import die_with_parent as _die_with_parent

_settings = _load()

bind = f"{_settings.bind}:{_settings.web_port}"
worker_class = "gthread"
workers = 1
threads = 48
worker_tmp_dir = "/dev/shm"  # noqa: S108  heartbeats of the worker belong in memory, not on a card
graceful_timeout = 3
timeout = 60
keepalive = 5
limit_request_line = 8190
limit_request_fields = 100
accesslog = None
errorlog = "-"
loglevel = "warning"
control_socket_disable = True
forwarded_allow_ips = ""  # web.proxy decides whose word on the visitor's address and scheme is taken


def on_starting(_server: object) -> None:
    """The web process ends with the supervisor that started it."""
    _die_with_parent()


def post_fork(_server: object, _worker: object) -> None:
    """The worker ends with its master, or it would hold the port for seconds after the master was killed."""
    _die_with_parent()
