"""The one place where the lab starts commands."""

import os
import subprocess
from dataclasses import dataclass

from hosts.lab.errors import CommandFailed

# Root's PATH in a plain `su` or in cron often lacks the sbin folders where ip, tc and libvirtd live.
ENVIRONMENT = {
    **os.environ,
    "LC_ALL": "C",
    "PATH": os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"]),
}


@dataclass(frozen=True)
class Shell:
    """Runs commands that end in an error unless they succeed.

    Each command gets the lab's lock as its standard input: when the caller is killed, the lock stays held until the
    command it left behind has ended too, so nobody cleans up while something is still being made.
    """

    stdin: int = subprocess.DEVNULL

    def run(self, *argv: str, timeout: float = 30) -> str:
        """Output of the command; CommandFailed when it fails or takes longer than `timeout` seconds."""
        status, output, error = self._finish(argv, timeout)
        if status != 0:
            raise CommandFailed(argv, f"failed with exit code {status}", error or output)
        return output

    def succeeds(self, *argv: str, timeout: float = 30) -> bool:
        """Whether the command ended with exit code 0 in time."""
        try:
            return self._finish(argv, timeout)[0] == 0
        except CommandFailed:
            return False

    def _finish(self, argv: tuple[str, ...], timeout: float) -> tuple[int, str, str]:
        try:
            done = subprocess.run(
                argv,
                stdin=self.stdin,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout,
                env=ENVIRONMENT,
            )
        except subprocess.TimeoutExpired as error:
            raise CommandFailed(argv, f"took longer than {timeout:g} s") from error
        except FileNotFoundError as error:
            raise CommandFailed(argv, "is not installed") from error
        return done.returncode, done.stdout, done.stderr
