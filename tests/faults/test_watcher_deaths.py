"""Watchers as processes: one is killed, the other has its hosts soon; one is asked to end, and leaves them at once."""

import base64
import json
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import redis
from pytest_django import DjangoDbBlocker

from hosts.models import Host, HostPulse
from tests.support.datacenter import Datacenter, datacenter
from tests.support.processes import wait_for
from tests.support.workers import Console, Service, running_console

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]

HOSTS = ("one", "two", "three", "four")
LEASE = 2.0


@dataclass
class Watchers:
    """A console whose hosts are watched by processes of the test."""

    console: Console
    center: Datacenter
    running: list[Service] = field(default_factory=list)

    def start(self) -> Service:
        """One more, which has its share when this returns."""
        command = (sys.executable, "manage.py", "watch_hosts", "--lease", str(LEASE))
        service = self.console.service(f"watcher-{len(self.running)}", *command)
        service.start()
        self.running.append(service)
        self.wait_for_even_shares()
        return service

    def wait_for_even_shares(self) -> None:
        alive = [service.pid for service in self.running if service.process]
        even = Counter({pid: len(HOSTS) // len(alive) for pid in alive})
        wait_for(lambda: self.shares() == even, f"even shares: {even}", 20)

    def shares(self) -> Counter[int]:
        """How many hosts each process holds, by its id."""
        names = HostPulse.objects.exclude(watcher="").values_list("watcher", flat=True)
        return Counter(int(name.split(":")[1]) for name in names)

    def asks(self, host: str) -> int:
        """How many looks at a host were asked for because of events: nobody takes them from the broker here."""
        uuid = Host.objects.values_list("pk", flat=True).get(name=host)
        with redis.Redis.from_url(self.console.redis_url) as broker:
            messages = [raw for key in broker.scan_iter("trace*") for raw in broker.lrange(key, 0, -1)]  # type: ignore[union-attr]
        bodies = [json.loads(base64.b64decode(json.loads(raw)["body"])) for raw in messages]
        return sum(body[0] == [uuid, "event"] for body in bodies)

    def hears(self, host: str) -> None:
        """Whatever happens there now is heard by somebody."""
        before = self.asks(host)
        self.center.fleet.add_stranger(host, f"visitor-{before}")
        wait_for(lambda: self.asks(host) > before, f"an event of {host} leads to an ask", 10)


@pytest.fixture
def watchers(django_db_blocker: DjangoDbBlocker) -> Iterator[Watchers]:
    with running_console(django_db_blocker, children=1) as console, datacenter(*HOSTS) as center:
        HostPulse.objects.bulk_create([HostPulse(host=host) for host in Host.objects.all()], ignore_conflicts=True)
        made = Watchers(console, center)
        try:
            yield made
        finally:
            for service in made.running:
                service.kill()


def test_hosts_of_a_killed_watcher_are_watched_by_the_other_when_the_lease_is_over(watchers: Watchers) -> None:
    first, _second = watchers.start(), watchers.start()
    began = time.monotonic()
    first.kill()
    watchers.wait_for_even_shares()
    print(f"\ntaken over after {time.monotonic() - began:.1f} s, with a lease of {LEASE} s", end="")
    for host in HOSTS:
        watchers.hears(host)


def test_a_watcher_that_is_asked_to_end_does_so_at_once_and_leaves_its_hosts(watchers: Watchers) -> None:
    first = watchers.start()
    began = time.monotonic()
    first.stop(signal.SIGTERM)
    assert time.monotonic() - began < 2
    assert set(HostPulse.objects.values_list("watcher", "watched_until")) == {("", None)}


def test_a_watcher_ends_at_once_though_a_host_hangs(watchers: Watchers) -> None:
    watchers.center.fleet.fault("one", "watch", hang=True)
    first = watchers.start()
    watchers.center.fleet.wait_for("one", "watch")
    began = time.monotonic()
    first.stop(signal.SIGTERM)
    assert time.monotonic() - began < 2
    assert watchers.shares() == Counter()


def test_a_watcher_that_stood_still_and_goes_on_gives_back_nothing_and_takes_its_share(watchers: Watchers) -> None:
    first, second = watchers.start(), watchers.start()
    first.process.send_signal(signal.SIGSTOP)  # type: ignore[union-attr]
    wait_for(lambda: watchers.shares() == Counter({second.pid: len(HOSTS)}), "the other has all", 20)
    first.process.send_signal(signal.SIGCONT)  # type: ignore[union-attr]
    watchers.wait_for_even_shares()
    for host in HOSTS:
        watchers.hears(host)
