"""A worker factory that is shared, because importing torch takes seconds, and a store of one's own a test."""

from collections.abc import Iterator

import pytest
from workers import Zygote

from farzi_core.runs.store import Store


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    process = Zygote()
    yield process
    process.close()


@pytest.fixture
def store() -> Store:
    return Store()
