"""The lab by itself: `python -m hosts.lab up|down|status|break|mend --folder FOLDER`."""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from hosts.lab import DEFAULT_NAME, Lab, LabError
from hosts.lab.faults import FAULTS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m hosts.lab", description=__doc__)
    parser.add_argument("command", choices=["up", "down", "status", "break", "mend"])
    parser.add_argument("arguments", nargs="*", metavar="HOST [FAULT]", help=f"faults: {', '.join(FAULTS)}")
    parser.add_argument("--name", default=DEFAULT_NAME)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--hosts", type=int, default=2)
    given = parser.parse_args()
    lab = Lab(given.name, folder=given.folder)
    commands: dict[str, Callable[..., object]] = {
        "up": lambda: lab.up(given.hosts),
        "down": lab.down,
        "break": lab.break_,
        "mend": lab.mend,
    }
    try:
        if given.command in commands:
            commands[given.command](*given.arguments)
        sys.stdout.write(json.dumps([asdict(status) for status in lab.status()], indent=2) + "\n")
    except (LabError, TypeError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


sys.exit(main())
