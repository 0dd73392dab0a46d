"""Whether files of job functions can be loaded: `python -m hirehall.runners.trial FILE...`, for `--reload`."""

from __future__ import annotations

import sys

from hirehall.errors import HallError
from hirehall.runners.registry import load


def main() -> int:
    """0, or 1 and why not."""
    try:
        for target in sys.argv[1:]:
            load(target)
    except HallError as why:
        print(why)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
