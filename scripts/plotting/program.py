"""How the programs of this folder end: an error is one line; exit codes as in their help."""
from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from plotting.rows import BadInput


def add_picture_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--title", default="", help="printed over every picture and the report")
    parser.add_argument("--dpi", type=int, default=200, help="dots per inch of the PNG files, 50..1200 (default: 200)")
    parser.add_argument("--quiet", action="store_true", help="do not list what was written and what was left out")


def check_picture_options(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    if not 50 <= arguments.dpi <= 1200:
        parser.error(f"--dpi {arguments.dpi}: must be 50..1200")


def run(name: str, work: Callable[[], None]) -> int:
    """The exit code: 0 done, 1 cannot run or write here, 2 bad input."""
    try:
        work()
    except BadInput as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    except ImportError as error:
        print(f"{name}: needs the Python package {error.name}: bash scripts/setup.sh figures installs it", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{name}: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    return 0
