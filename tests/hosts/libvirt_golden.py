"""Golden files and libvirt's own schemas, for the tests of what the driver writes.

After a wanted change: `CORRAL_WRITE_GOLDEN=1 make test` (or pytest) writes the files anew; look at the difference.
"""

import os
from pathlib import Path

import pytest
from lxml import etree

GOLDEN = Path(__file__).with_name("golden")
SCHEMAS = Path("/usr/share/libvirt/schemas")
WRITE = "CORRAL_WRITE_GOLDEN"


def assert_golden(name: str, text: str) -> None:
    file = GOLDEN / name
    if os.environ.get(WRITE):
        file.write_text(text)
    assert text == file.read_text(), f"{file.name} differs; if that is wanted: {WRITE}=1"


def assert_valid(schema: str, text: str) -> None:
    """`text` is what libvirt's RelaxNG schema (domain, network, storagepool, storagevol) allows."""
    path = SCHEMAS / f"{schema}.rng"
    if not path.exists():
        pytest.skip(f"{path} is missing (Debian package libvirt0)")
    grammar = etree.RelaxNG(etree.parse(path))
    assert grammar.validate(etree.fromstring(text)), grammar.error_log
