"""``python -m infra.generate [--check]``: write the generated documents, or say which of them are stale."""

import sys
from collections.abc import Sequence

from infra.generate.documents import stale, write
from infra.generate.faults import Fault


def main(arguments: Sequence[str]) -> int:
    """Write (or with ``--check`` only compare); return 0, or 1 where a file is stale or its source is wrong."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python -m infra.generate [--check]\n")
        return 2
    try:
        found = stale() if arguments else write()
    except Fault as fault:
        sys.stderr.write(f"{fault}\n")
        return 1
    if not arguments:
        sys.stdout.write("".join(f"wrote {name}\n" for name in found))
        return 0
    for name in found:
        sys.stderr.write(f"stale: {name} differs from the code; run `make docs` and commit it\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
