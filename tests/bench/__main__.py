"""`python -m tests.bench [VMS]`: times, as a table on the terminal and as JSON in data/bench.json."""

import json
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import django
from django.conf import settings

REPEATS = 15
OUTPUT = Path("data") / "bench.json"


def main(vms: int) -> None:
    django.setup()
    from django.db import connection
    from django.test.utils import get_runner, setup_databases, teardown_databases

    get_runner(settings)
    made = setup_databases(0, interactive=False)
    try:
        rows = list(timed(vms))
    finally:
        teardown_databases(made, 0)
    OUTPUT.parent.mkdir(exist_ok=True)
    report = json.loads(OUTPUT.read_text()) if OUTPUT.exists() else {}
    report[connection.vendor] = {"vms": vms, "rows": rows}
    OUTPUT.write_text(json.dumps(report, indent=1))


def timed(vms: int) -> Iterator[dict[str, object]]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from hosts.models import Host
    from tests.bench.fleet import make_fleet
    from tests.bench.queries import LISTS, NESTED

    begin = time.perf_counter()
    make_fleet(vms)
    print(f"{connection.vendor}: {vms} VMs made in {time.perf_counter() - begin:.0f} s; milliseconds of {REPEATS} runs")
    print(f"{'median':>8} {'max':>8} {'rows':>7} {'SQL':>4}  query")
    host = Host.objects.order_by("name")[7].pk
    for query in (*NESTED, *LISTS):
        asked = replace(query, text=query.text.format(host=host))
        with CaptureQueriesContext(connection) as captured:
            found = asked.run()
        times = sorted(_milliseconds(asked.run) for _ in range(REPEATS))
        median = statistics.median(times)
        print(f"{median:8.1f} {times[-1]:8.1f} {found:7} {len(captured):4}  {query}", flush=True)
        yield {
            "query": str(query),
            "median_ms": median,
            "max_ms": times[-1],
            "rows": found,
            "statements": len(captured),
        }


def _milliseconds(call: object) -> float:
    begin = time.perf_counter()
    call()  # type: ignore[operator]
    return (time.perf_counter() - begin) * 1000


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
