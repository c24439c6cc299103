"""The order of the tests: a file that takes minutes does not begin last, when the other process has nothing to do."""

import pytest

FIRST = "test_batch.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name != FIRST)
