"""Which primary storage takes which volume, and why the others do not (semantics §4.3, §4.7)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypedDict

from console.naming import format_size
from hosts.allocation.reasons import Figures, FiguresData, Reason, in_words
from hosts.allocation.spec import CONNECTED, ENABLED, ImageView, StorageView, VolumeNeed

NO_STORAGE = ("reaches no usable primary storage", "reach no usable primary storage")
NO_ROOM = ("lacks storage", "lack storage")


class StorageEntryData(TypedDict):
    """One storage in a report, as JSON."""

    storage_uuid: str
    storage_name: str
    eligible: bool
    reason: str | None
    figures: FiguresData | None


@dataclass(frozen=True, slots=True)
class StorageEntry:
    """What became of one storage: eligible, or refused with a reason."""

    storage: StorageView
    reason: Reason | None

    def as_data(self) -> StorageEntryData:
        figures = self.reason.figures if self.reason else None
        return {
            "storage_uuid": self.storage.uuid,
            "storage_name": self.storage.name,
            "eligible": self.reason is None,
            "reason": self.reason.sentence if self.reason else None,
            "figures": figures.as_data() if figures else None,
        }


@dataclass(frozen=True, slots=True)
class StorageDecision:
    """Storages that can take a volume, in the order to try them, and the report on every storage."""

    candidates: tuple[StorageView, ...]
    report: tuple[StorageEntry, ...]


@dataclass(frozen=True, slots=True)
class VolumePlan:
    """Which storage takes which volume: `storages[i]` takes `volumes[i]`."""

    volumes: tuple[VolumeNeed, ...]
    storages: tuple[StorageView, ...]


def room_needed(storage: StorageView, volume: VolumeNeed, image: ImageView | None) -> int:
    """Bytes the volume takes of the storage; a root volume brings its image along when not cached there."""
    if volume.root and image is not None and image.uuid not in storage.cached_images:
        return volume.size + image.size
    return volume.size


def storage_problem(
    storage: StorageView, volume: VolumeNeed, image: ImageView | None = None, taken: int = 0
) -> Reason | None:
    """A storage takes a volume when no other is demanded, it is usable and has room, just enough included.

    `taken` are bytes already promised to other volumes of the same VM.
    """
    if problem := _unfit(storage, volume):
        return Reason(f"{storage.name} {problem}.", NO_STORAGE)
    needed, available = room_needed(storage, volume, image), max(storage.available - taken, 0)
    if available >= needed:
        return None
    figures = Figures("storage", needed, available, where=storage.name)
    need_text, free_text = figures.amounts()
    image_text = f" (with {format_size(needed - volume.size)} for the image)" if needed > volume.size else ""
    sentence = f"{storage.name} has {free_text} available, the {volume.name} needs {need_text}{image_text}."
    return Reason(sentence, NO_ROOM, figures)


def choose_storages(
    storages: Iterable[StorageView], volume: VolumeNeed, image: ImageView | None, rng: Random
) -> StorageDecision:
    """Every storage judged for one volume; the eligible in random order, those with a preferred tag first."""
    report = tuple(StorageEntry(storage, storage_problem(storage, volume, image)) for storage in storages)
    eligible = [entry.storage for entry in report if entry.reason is None]
    rng.shuffle(eligible)
    eligible.sort(key=lambda storage: not _preferred(storage, volume))
    return StorageDecision(tuple(eligible), report)


def plan_volumes(
    storages: Sequence[StorageView],
    volumes: Sequence[VolumeNeed],
    image: ImageView | None = None,
    rng: Random | None = None,
) -> VolumePlan | Reason:
    """A storage for each volume so that all fit together, or the reason why they do not.

    With `rng` the choice is random as long as that works out; without it, and as the fall-back, each volume
    goes where most room is left, demanding and large volumes first. If one storage alone could take all,
    a plan is always found.
    """
    if rng is not None and isinstance(plan := _plan(storages, volumes, image, rng), VolumePlan):
        return plan
    return _plan(storages, volumes, image, None)


def _plan(
    storages: Sequence[StorageView],
    volumes: Sequence[VolumeNeed],
    image: ImageView | None,
    rng: Random | None,
) -> VolumePlan | Reason:
    taken: Counter[str] = Counter()
    chosen: dict[int, StorageView] = {}
    for index in sorted(range(len(volumes)), key=lambda index: _urgency(volumes[index])):
        volume = volumes[index]
        fitting = [s for s in storages if storage_problem(s, volume, image, taken[s.uuid]) is None]
        if not fitting:
            return _nowhere(storages, volume, image, taken)
        storage = _pick(fitting, volume, taken, rng)
        taken[storage.uuid] += room_needed(storage, volume, image)
        chosen[index] = storage
    return VolumePlan(tuple(volumes), tuple(chosen[index] for index in range(len(volumes))))


def _urgency(volume: VolumeNeed) -> tuple[bool, bool, int]:
    """Volumes with the smallest choice of storages are placed first, then the largest."""
    return volume.storage_uuid is None, not (volume.storage_tag and volume.storage_tag_required), -volume.size


def _pick(fitting: list[StorageView], volume: VolumeNeed, taken: Mapping[str, int], rng: Random | None) -> StorageView:
    preferred = [storage for storage in fitting if _preferred(storage, volume)] or fitting
    if rng is not None:
        return rng.choice(preferred)
    return max(preferred, key=lambda storage: storage.available - taken[storage.uuid])


def _nowhere(
    storages: Sequence[StorageView], volume: VolumeNeed, image: ImageView | None, taken: Mapping[str, int]
) -> Reason:
    """The refusal that came closest speaks for all storages."""
    if not storages:
        return Reason(f"There is no primary storage for the {volume.name}.", NO_STORAGE)
    reasons = [storage_problem(s, volume, image, taken[s.uuid]) for s in storages]
    return min((reason for reason in reasons if reason), key=_shortage)


def _shortage(reason: Reason) -> tuple[bool, int]:
    if reason.figures is None:
        return True, 0
    return False, reason.figures.needed - reason.figures.available


def _preferred(storage: StorageView, volume: VolumeNeed) -> bool:
    return volume.storage_tag is not None and volume.storage_tag in storage.user_tags


def _unfit(storage: StorageView, volume: VolumeNeed) -> str | None:
    """Reasons that have nothing to do with room, as the end of a sentence about the storage."""
    if volume.storage_uuid not in (None, storage.uuid):
        return f"is not the primary storage demanded for the {volume.name}"
    if volume.storage_tag_required and not _preferred(storage, volume):
        return f'does not carry the tag "{volume.storage_tag}" demanded for the {volume.name}'
    return unavailable(storage.state, storage.status)


def unavailable(state: str, status: str) -> str | None:
    """Why something with a state and a status cannot be used, as the end of a sentence about it."""
    if state != ENABLED:
        return f"is {in_words(state)}"
    return None if status == CONNECTED else f"is {in_words(status)}"
