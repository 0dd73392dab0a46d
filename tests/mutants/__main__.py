"""`python -m tests.mutants NAME ARGUMENT...` runs `hirehall ARGUMENT...` with that mutant in it;
`python -m tests.mutants --table [NAME...]` says who sees which mutant, and fails when one survives."""

from __future__ import annotations

import sys
from difflib import get_close_matches

from hirehall.__main__ import main
from tests.command_line import run
from tests.mutants import names, plant

if __name__ == "__main__":
    name = sys.argv.pop(1) if sys.argv[1:] else ""
    if name == "--table":
        from tests.mutants._table import table

        run(lambda: table(sys.argv[1:]))
    if name in ("-h", "--help"):
        print(__doc__, "", "The mutants:", *names(), sep="\n")
        sys.exit(0)
    if name not in names():
        near = get_close_matches(name, names(), n=1)
        said = f"there is no mutant {name!r}" if name else "which mutant?"
        print(
            f"{said}{f': {near[0]} is near' if near else ''}; `python -m tests.mutants --help` names them all",
            file=sys.stderr,
        )
        sys.exit(2)
    plant(name, setattr)
    sys.exit(main())
