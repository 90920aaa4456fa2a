"""Prints the API document, for what is generated from it: `python -m web.rest.schema`. Starts no server."""

from __future__ import annotations

import sys

from web.rest.openapi import Document
from web.rest.routes import ROUTES

GENERATED_VERSION = "generated"
"""Instead of the installed version: what is generated must not change with a release."""


def main() -> None:
    sys.stdout.buffer.write(Document(ROUTES, GENERATED_VERSION).body)


if __name__ == "__main__":
    main()
