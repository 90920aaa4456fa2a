"""Which fixtures all tests may use. One file: a second conftest.py would have the same module name as this."""

import pytest

# Where their assertions fail, both sides are shown.
pytest.register_assert_rewrite("page_world", "server_process")

pytest_plugins = ["page_fixtures", "rest_fixtures", "socket_fixtures"]
