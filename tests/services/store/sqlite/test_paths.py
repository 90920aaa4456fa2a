"""A data folder may have any name that the system takes: names are not URLs, patterns, templates or options."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from world import commit, create, decided

import models.migrations
from models.clock import SYSTEM_CLOCK
from services.store.sqlite import database as database_module
from services.store.sqlite.database import FILE_NAME, Database
from services.store.sqlite.migrate import migrate
from services.store.sqlite.store import sqlite_store

NAMES = [
    b"what?mode=ro",
    b"number #1",
    b"100%",
    b"a%20b",
    b"%00",
    b"%(here)s",
    b"two\nlines",
    b"caf\xe9",
    "дані".encode(),
    b"-dash",
    b"file:x",
    b":memory:",
    b"""it's "quoted" \\""",
    b"*[x]",
    b"${HOME}",
    b"trailing ",
]
NEXT = '''"""A step."""
revision = "9999"
down_revision = "{head}"


def upgrade() -> None:
    pass
'''


async def test_a_database_lives_in_a_folder_of_any_name(tmp_path: Path) -> None:
    for name in NAMES:
        folder = tmp_path / os.fsdecode(name)
        for number in range(2):
            database = Database(folder, SYSTEM_CLOCK)
            store = sqlite_store(database)
            await store.open()
            append = decided(f"s{number}", None, create((await store.projects.inbox()).id, "t"))
            assert append is not None
            await commit(store.journal, append)
            assert len((await store.reads.sessions()).sessions) == number + 1
            await store.close()
            assert database.missing is None
        assert (folder / FILE_NAME).stat().st_size > 0
    assert sorted(os.listdir(os.fsencode(tmp_path))) == sorted(NAMES), "nothing was made elsewhere"


async def test_a_migration_and_its_backup_do_not_mind_names_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9 50% #1?")
    database = Database(folder, SYSTEM_CLOCK)
    await database.open()
    await database.close()
    scripts = tmp_path / "100% of %(here)s"
    shutil.copytree(Path(models.migrations.__file__).parent, scripts)
    (scripts / "versions" / "9999_next.py").write_text(NEXT.format(head=models.migrations.HEAD))
    monkeypatch.setattr(
        database_module, "migrate", lambda engine, backup: migrate(engine, backup, scripts=str(scripts), head="9999")
    )
    again = Database(folder, SYSTEM_CLOCK)
    await again.open()
    await again.close()
    (backup,) = [file for file in folder.iterdir() if ".backup-" in file.name]
    assert backup.stat().st_size > 0
