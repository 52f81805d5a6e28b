"""A listener to a host's events."""

from collections.abc import Callable
from dataclasses import dataclass, field

from hosts.hypervisor.port import Hypervisor
from tests.contract.scene import eventually


@dataclass
class Ear:
    """What one listener has heard."""

    host: Hypervisor
    heard: list[str] = field(default_factory=list)
    lost: int = 0

    def __post_init__(self) -> None:
        self.end = self.host.watch(self.heard.append, self._lose)

    def _lose(self) -> None:
        self.lost += 1

    def hears_when(self, act: Callable[[str], None], uuid: str) -> bool:
        self.heard.clear()
        act(uuid)
        return eventually(lambda: uuid in self.heard, 2)
