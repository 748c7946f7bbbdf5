"""``python -m trialbridge.testkit.oracle --pairs 1000000 --seed 1``: engine against oracle, with progress and a JSON summary."""

import argparse
import secrets
import sys
import time
from collections.abc import Callable, Sequence

import msgspec

from trialbridge.testkit.oracle.compare import Tally
from trialbridge.testkit.oracle.running import run, summary

EVERY = 5.0
"""Seconds between two lines of progress."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, write progress to standard error and the summary to standard output; return 1 where the two disagree."""
    parser = argparse.ArgumentParser(prog="python -m trialbridge.testkit.oracle", description=__doc__)
    parser.add_argument("--pairs", type=int, default=10_000, help="trials times patients to compare")
    parser.add_argument("--seed", type=int, default=None, help="the same seed makes the same pairs; without, a new one")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    asked = parser.parse_args(arguments)
    seed = secrets.randbelow(10**9) if asked.seed is None else asked.seed
    began = time.monotonic()
    tally = run(asked.pairs, seed, asked.workers, _progress(asked.pairs, began))
    seconds = time.monotonic() - began
    found = {"seed": seed, "seconds": round(seconds, 1), "workers": asked.workers, **summary(tally)}
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(found), indent=1).decode() + "\n")
    return 1 if tally.disagreements else 0


def _progress(pairs: int, began: float) -> Callable[[Tally], None]:
    last = began

    def tell(tally: Tally) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= EVERY:
            last = now
            speed = tally.pairs / (now - began)
            sys.stderr.write(
                f"{tally.pairs:,} of {pairs:,} pairs, {speed:,.0f} a second, {len(tally.disagreements)} disagreements\n"
            )

    return tell


if __name__ == "__main__":
    sys.exit(main())
