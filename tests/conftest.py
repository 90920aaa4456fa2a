"""Which fixtures all tests may use. One file: a second conftest.py would have the same module name as this."""

pytest_plugins = ["page_fixtures", "rest_fixtures"]
