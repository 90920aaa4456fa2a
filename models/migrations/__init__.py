"""The database's versions. `HEAD` is the newest that this program knows; a test holds it against the scripts."""

HEAD = "0007"
