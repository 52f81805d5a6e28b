from collections.abc import Iterator

import pytest

from tests.support.sample_flow import Sample, registered


@pytest.fixture
def sample() -> Iterator[Sample]:
    """A flow of three steps, known to the engine while the test runs."""
    with registered(Sample()) as sample:
        yield sample
