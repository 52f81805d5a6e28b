"""Runs a lab host's libvirtd and buries the orphans of the host, as the init of a machine of its own would.

libvirt waits until a dnsmasq or QEMU it ends is gone, and an orphan is gone when its parent has looked. The init of the
box may take seconds for that, and each change of a lease would take as long. Ends with the last of its children.
"""

import ctypes
import os
import subprocess
import sys

PR_SET_CHILD_SUBREAPER = 36


def main(command: list[str]) -> None:
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    subprocess.Popen(command)
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


if __name__ == "__main__":
    main(sys.argv[1:])
