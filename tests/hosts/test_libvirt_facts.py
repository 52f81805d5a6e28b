"""What is taken from the facts that a host has written down."""

from typing import Any

import pytest

from hosts.hypervisor.libvirt_driver.facts import package_names


@pytest.mark.parametrize(
    ("written", "names"),
    [
        (["iproute2", "nftables"], ("iproute2", "nftables")),
        ([], ()),
        (None, ()),
        ("nftables", ()),
        (["g++", "libc6.1", 7, "a b", "$(reboot)", "x;reboot", "-o", "A"], ("g++", "libc6.1")),
    ],
)
def test_only_names_of_packages_are(written: Any, names: tuple[str, ...]) -> None:
    assert package_names(written) == names
