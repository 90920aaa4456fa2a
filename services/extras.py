"""Packages that are imported at first use: what is said when one can't be. Never hides that an installed one is
broken."""

from __future__ import annotations

import importlib.util


def is_installed(package: str) -> bool:
    """Whether there is such a package, dotted or not, be it broken or not. Imports none but its parents."""
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError as error:
        return error.name is None or not f"{package}.".startswith(f"{error.name}.")
    except ValueError:
        return True  # it is imported, and has no description
    except Exception:
        return True  # a parent is there and fails


def why_not(error: Exception, package: str, install: str) -> str:
    """Why `package` could not be imported, in words for its user: not installed, and what to install, or broken."""
    if is_installed(package):
        return f"the package {package} is installed but broken: {type(error).__name__}: {error}"
    return f"the package {package} is not installed; install {install}"
