"""The real server for benchmarks: the process that the end-to-end tests drive, whether run as a script or not."""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS))

from server_process import ROOT, ServerProcess, eventually, serving  # noqa: E402

__all__ = ["ROOT", "TESTS", "ServerProcess", "eventually", "serving"]
