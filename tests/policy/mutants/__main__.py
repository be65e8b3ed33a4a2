"""`python -m tests.policy.mutants`: the mutation score of the pricing core.

Prints the score, killed and all by file, and each survivor as file:line, old -> new. Ends with 1
below 95 %, or where a mutant that is listed as equivalent was killed after all.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatch
from math import sqrt
from random import Random
from typing import Annotated

import typer

from tests.policy.mutants import trying
from tests.policy.mutants.core import PRICING, SHARED, equivalents
from tests.policy.mutants.making import Mutant, mutants_of, unchanged
from tests.policy.mutants.trying import Tried

LEAST = 0.95


def main(
    files: Annotated[list[str] | None, typer.Argument(help="only these: */cash.py")] = None,
    sample: Annotated[int, typer.Option(help="so many, drawn by --seed; 0: all")] = 0,
    seed: int = 20261122,
    again: Annotated[list[str] | None, typer.Option(help="only the mutants of these ids")] = None,
    minutes: Annotated[float, typer.Option(help="stop then, and count what was tried")] = 600,
    jobs: int = 2,
    timeout: Annotated[float, typer.Option(help="seconds that one mutant may take")] = 120,
    killers: Annotated[bool, typer.Option(help="say of each mutant what killed it")] = False,
) -> None:
    """Mutate the core and count what the tests of policy find."""
    chosen = [m for m in _all(files or []) if not again or m.id in again]
    # in any order, so that what was tried when the time is up is a fair sample
    drawn = Random(seed).sample(chosen, min(sample or len(chosen), len(chosen)))  # noqa: S311
    known = {(e.file, e.function, e.old, e.new) for e in equivalents()}
    trying.load_everything()
    trying.load_the_books()
    fates = []
    end = time.monotonic() + minutes * 60
    for fate in trying.tried(_until(end, [unchanged(file) for file in _ENDS]), 1, timeout):
        if fate.killer is not None:  # it would kill every mutant
            raise SystemExit(f"the core fails without any mutant: {fate.killer}")
    for fate in trying.tried(_until(end, drawn), jobs, timeout):
        fates.append(fate)
        _say(fate, known, say_killer=killers)
        if len(fates) % 100 == 0:
            print(f"{len(fates)} of {len(drawn)}", flush=True)
    raise typer.Exit(_report(fates, len(chosen), known))


_ENDS = (SHARED[0], PRICING[0])


def _until(end: float, mutants: list[Mutant]) -> Iterator[Mutant]:
    for mutant in mutants:
        if time.monotonic() > end:
            return
        yield mutant


def _all(patterns: list[str]) -> list[Mutant]:
    files = [f for f in (*SHARED, *PRICING) if not patterns or any(fnmatch(f, p) for p in patterns)]
    return [mutant for file in files for mutant in mutants_of(file)]


Known = set[tuple[str, str, str, str]]


def _is_known(mutant: Mutant, known: Known) -> bool:
    return (mutant.file, mutant.function, mutant.old, mutant.new) in known


def _say(fate: Tried, known: Known, *, say_killer: bool) -> None:
    mutant = fate.mutant
    where = f"{mutant.id} {mutant.file}:{mutant.line} {mutant.function}"
    if fate.killer is None and not _is_known(mutant, known):
        print(f"survives {where}\n    {mutant.old}\n -> {mutant.new}", flush=True)
    elif say_killer:
        print(f"{where}: {fate.killer or 'equivalent'}", flush=True)


def _report(fates: list[Tried], of: int, known: Known) -> int:
    counted = [fate for fate in fates if not _is_known(fate.mutant, known)]
    whole = Counter(fate.mutant.file for fate in counted)
    killed = Counter(fate.mutant.file for fate in counted if fate.killer is not None)
    for file, number in whole.items():
        print(f"{killed[file]:5d} of {number:5d}  {killed[file] / number:7.1%}  {file}")
    by = Counter((fate.killer or "").split(":")[0].split(" ")[0] for fate in fates if fate.killer)
    print("killed by " + ", ".join(f"{name} {count}" for name, count in by.most_common()))
    alive_not = [f.mutant for f in fates if f.killer is not None and _is_known(f.mutant, known)]
    for mutant in alive_not:
        print(f"listed as equivalent, and killed: {mutant.id} {mutant.file}:{mutant.line}")
    dead, number = sum(killed.values()), len(counted)
    score = dead / number if number else 1.0
    rest = 1 - len(fates) / of if of else 0.0
    around = 1.96 * sqrt(score * (1 - score) / number * rest) if number else 0.0
    print(
        f"{dead} of {number} killed: {score:.1%}, +- {around:.1%} for {of} of which {len(fates)}"
        f" were tried; {len(fates) - number} equivalent left out"
    )
    return int(score < LEAST or bool(alive_not))


if __name__ == "__main__":
    typer.run(main)
