"""Which names in a workspace are nobody's business: version control internals and secrets. Pure; opens nothing."""

from __future__ import annotations

import re
import unicodedata

VERSION_CONTROL = frozenset({".git", ".hg", ".svn", ".jj"})
_SECRETS = re.compile(
    r"\.env(?!\.(?:example|sample|template|dist)$)(?:\..+)?|.+\.env|.*\.(?:pem|key|p12|pfx|jks|keystore|kdbx)"
    r"|id_[^.]+|\.netrc|_netrc|\.pgpass|\.htpasswd|\.git-credentials|\.pypirc"
)


def is_private(path: str) -> bool:
    """`path` is relative, with `/`. Case and invisible characters don't help: some file systems ignore them."""
    return any(_is_private_name(_folded(name)) for name in path.split("/"))


def _is_private_name(name: str) -> bool:
    return name in VERSION_CONTROL or name == "git~1" or _SECRETS.fullmatch(name) is not None


def _folded(name: str) -> str:
    if name.isascii() and name.isprintable():
        return name.lower().rstrip(" .")
    visible = "".join(char for char in name if unicodedata.category(char) not in ("Cf", "Cc"))
    return unicodedata.normalize("NFKC", visible).casefold().rstrip(" .")
