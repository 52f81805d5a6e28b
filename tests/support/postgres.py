"""A temporary PostgreSQL: `python -m tests.support.postgres COMMAND…` runs it with TEST_DATABASE_URL set.

The cluster lives in a folder of its own, listens on a socket there alone, and is gone afterwards. PostgreSQL
refuses to run as root, so root runs it as the user postgres.
"""

import getpass
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.processes import wait_for

# One socket, no network; nobody needs these tables after a crash. Each process of a test's workers has connections.
SETTINGS = "-c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=300"


class NoPostgresError(Exception):
    """No PostgreSQL server found: apt-get install postgresql"""


def server_folder() -> Path:
    """Debian keeps each major version's programs in a folder of its own, off the PATH; the newest wins."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if versions:
        return versions[-1].parent
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    raise NoPostgresError(NoPostgresError.__doc__)


def identity() -> dict[str, Any]:
    """Keywords for subprocess: who the server runs as."""
    if os.geteuid() != 0:
        return {}
    return {"user": "postgres", "group": "postgres", "extra_groups": []}


@contextmanager
def running_postgres() -> Iterator[str]:
    """Yields a database URL of an empty database."""
    programs = server_folder()
    who = identity()
    folder = Path(tempfile.mkdtemp(prefix="corral-pg-"))
    if who:
        account = pwd.getpwnam("postgres")
        os.chown(folder, account.pw_uid, account.pw_gid)
    run = {"cwd": folder, "stdin": subprocess.DEVNULL, **who}
    try:
        initdb = f"{programs}/initdb -D cluster -A trust -U {getpass.getuser()} -E UTF8 --locale=C.UTF-8 --no-sync"
        subprocess.run(initdb.split(), check=True, stdout=subprocess.DEVNULL, **run)
        with (folder / "log").open("w") as log:
            postgres = f"{programs}/postgres -D cluster -k {folder} {SETTINGS}"
            server = subprocess.Popen(postgres.split(), stdout=log, stderr=log, **run)
        try:
            ready = f"{programs}/pg_isready -q -h {folder} -d postgres".split()
            wait_for(lambda: subprocess.run(ready, check=False).returncode == 0, "PostgreSQL answers")
            yield f"postgres:///{folder}/postgres"
        finally:
            server.send_signal(signal.SIGINT)  # its fast shutdown: ends sessions, keeps the files whole
            server.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(command: list[str]) -> int:
    with running_postgres() as url:
        return subprocess.run(command, env={**os.environ, "TEST_DATABASE_URL": url}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
