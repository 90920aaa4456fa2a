"""Which fixtures all tests may use. One file: a second conftest.py would have the same module name as this."""

import pytest

# Where their assertions fail, both sides are shown.
pytest.register_assert_rewrite("page_world", "server_process")

pytest_plugins = ["database_fixtures", "page_fixtures", "rest_fixtures", "socket_fixtures"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Coverage is counted in the quick tests alone: the slow ones walk the same lines and would take a third longer."""
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker("no_cover")
