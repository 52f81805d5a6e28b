"""The allocation strategies: which rules, in which order, how survivors are ordered (semantics §4.1, §4.2).

All rules of a chain have to hold, so their order decides only the cost and which refusal is reported:
cheap and explanatory ones come first.
"""

from dataclasses import dataclass

from hosts.allocation import filters
from hosts.allocation.filters import Rule
from hosts.allocation.ordering import Ordering, fewest_vms, last_host_first, roomiest, shuffled

DEFAULT = "DefaultHostAllocatorStrategy"
LEAST_VM = "LeastVmPreferredHostAllocatorStrategy"
DESIGNATED = "DesignatedHostAllocatorStrategy"
LAST_HOST = "LastHostPreferredAllocatorStrategy"
MIGRATE = "MigrateVmAllocatorStrategy"

PLACE = Rule("place", filters.place)
AVOID = Rule("avoid", filters.avoided)
STATE = Rule("state", filters.state)
STATUS = Rule("status", filters.status)
HYPERVISOR = Rule("hypervisor", filters.hypervisor)
ATTACHED_L2 = Rule("attached-l2", filters.attached_l2)
UPLINKS = Rule("uplinks", filters.uplinks)
CPU = Rule("cpu", filters.cpu)
MEMORY = Rule("memory", filters.memory)
VOLUME_STORAGES = Rule("volume-storages", filters.volume_storages)
IMAGE_STORE = Rule("image-store", filters.image_store)
PRIMARY_STORAGE = Rule("primary-storage", filters.primary_storage)
VERSIONS = Rule("versions", filters.versions)

_BASE = (AVOID, STATE, STATUS, HYPERVISOR, ATTACHED_L2, UPLINKS, CPU, MEMORY)
_CREATE = (*_BASE, IMAGE_STORE, PRIMARY_STORAGE)


@dataclass(frozen=True, slots=True)
class Strategy:
    """A named chain of rules and orderings; `selectable` ones may be set on an instance offering.

    `words`: the host that is taken, for people.
    """

    name: str
    words: str
    rules: tuple[Rule, ...]
    orderings: tuple[Ordering, ...]
    selectable: bool = False


STRATEGIES = {
    strategy.name: strategy
    for strategy in (
        Strategy(DEFAULT, "Any host that can take it", _CREATE, (shuffled,), selectable=True),
        Strategy(LEAST_VM, "The host with the fewest VMs", _CREATE, (shuffled, fewest_vms), selectable=True),
        Strategy(DESIGNATED, "Any host of the place asked for", (PLACE, *_CREATE), (shuffled, last_host_first)),
        Strategy(
            LAST_HOST,
            "The last host, else any that can take it",
            (*_BASE, VOLUME_STORAGES, PRIMARY_STORAGE),
            (shuffled, last_host_first),
        ),
        Strategy(
            MIGRATE,
            "The host with most memory left",
            (PLACE, *_BASE, VERSIONS, VOLUME_STORAGES, PRIMARY_STORAGE),
            (roomiest,),
        ),
    )
}

SELECTABLE = tuple(name for name, strategy in STRATEGIES.items() if strategy.selectable)


def strategy_for_create(offering_strategy: str, designated: bool) -> Strategy:
    """A named zone, cluster or host overrides the strategy of the instance offering (semantics §4.1).

    Raises `KeyError` for a strategy that does not exist.
    """
    return STRATEGIES[DESIGNATED if designated else offering_strategy]
