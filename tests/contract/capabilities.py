"""Which drivers the contract runs on, and what a driver cannot do and why: data that decides what is run."""

import pytest

SIMULATOR = "simulator"
GUARDED = "guarded-simulator"
LIBVIRT_TEST = "libvirt-test"
LAB = "lab"

DRIVERS = (
    pytest.param(SIMULATOR),
    pytest.param(GUARDED),
    pytest.param(LIBVIRT_TEST),
    pytest.param(LAB, marks=[pytest.mark.lab, pytest.mark.timeout(180)]),
)

#: driver -> capability that a test may need -> why the driver has it not
LACKS: dict[str, dict[str, str]] = {
    SIMULATOR: {},
    GUARDED: {},
    LIBVIRT_TEST: {
        "two_hosts": "the test driver is one host inside the test's own process",
        "host_uuid": "the test driver's capabilities name no host",
        "start_checks": "the test driver runs no guest: it looks at no disk, network or memory",
        "image_lock": "no process opens the images",
        "real_files": "volumes are names in the pool's definition, not files",
        "transfer": "virStorageVolUpload and virStorageVolDownload are not supported",
        "small_storage": "the test driver's pool has 100 GiB that nothing fills",
    },
    LAB: {
        "obedient_guest": "a domain without a disk has nobody to hear the power button; tests/lab boots guests",
        "small_storage": "the shared folder lies on the box's own file system, which a test must not fill",
    },
}

CAPABILITIES = frozenset(name for lacks in LACKS.values() for name in lacks)


def drivers_for(needs: frozenset[str]) -> list[object]:
    """The drivers that can do all of `needs`, as parameters."""
    unknown = needs - CAPABILITIES
    if unknown:
        raise ValueError(f"No driver is said to lack {sorted(unknown)}; name it in LACKS or do not ask for it.")
    return [param for param in DRIVERS if not needs & set(LACKS[str(param.values[0])])]
