"""`python -m tests.policy.mutants`: the mutation score of the pricing core.

Prints the score, killed and all by file, and each survivor as file:line, old -> new. Ends with 1
below 95 %, or where a mutant that is listed as equivalent was killed after all.
"""

from __future__ import annotations

import time
from collections import Counter
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
    files: Annotated[
        list[str] | None, typer.Argument(help="only files so named: */cash.py")
    ] = None,
    sample: Annotated[int, typer.Option(help="so many, drawn by --seed; 0: all")] = 0,
    seed: int = 20261122,
    again: Annotated[list[str] | None, typer.Option(help="only the mutants of these ids")] = None,
    jobs: int = 2,
    timeout: Annotated[float, typer.Option(help="seconds that one mutant may take")] = 120.0,
    killers: Annotated[bool, typer.Option(help="say of each mutant what killed it")] = False,
) -> None:
    """Mutate the core and count what the tests of policy find."""
    chosen = [m for m in _all(files or []) if not again or m.id in again]
    if sample and sample < len(chosen):
        drawn = set(Random(seed).sample(range(len(chosen)), sample))  # noqa: S311 - again alike
        chosen = [mutant for number, mutant in enumerate(chosen) if number in drawn]
    known = {(e.file, e.function, e.old, e.new) for e in equivalents()}
    fates = list(_fates(chosen, known, jobs, timeout, say_killers=killers))
    raise typer.Exit(_report(fates, known))


def _all(patterns: list[str]) -> list[Mutant]:
    files = [f for f in (*SHARED, *PRICING) if not patterns or any(fnmatch(f, p) for p in patterns)]
    return [mutant for file in files for mutant in mutants_of(file)]


Known = set[tuple[str, str, str, str]]


def _is_known(mutant: Mutant, known: Known) -> bool:
    return (mutant.file, mutant.function, mutant.old, mutant.new) in known


def _fates(chosen: list[Mutant], known: Known, jobs: int, timeout: float, *, say_killers: bool):  # type: ignore[no-untyped-def]
    trying.load_everything()
    below = [mutant for mutant in chosen if mutant.file in SHARED]
    above = [mutant for mutant in chosen if mutant.file in PRICING]
    begun = time.monotonic()
    done = 0
    for part, load in ((below, None), (above, trying.load_the_book)):
        if not part:
            continue
        if load is not None:
            load()
        _judge_the_judges(part[0].file, timeout)
        for found in trying.tried(part, jobs, timeout):
            done += 1
            mutant = found.mutant
            where = f"{mutant.id} {mutant.file}:{mutant.line} {mutant.function}"
            if found.killer is None and not _is_known(mutant, known):
                print(f"survives {where}\n    {mutant.old}\n -> {mutant.new}", flush=True)
            elif say_killers:
                print(f"{where}: {found.killer or 'equivalent'}", flush=True)
            if done % 100 == 0:
                print(f"{done} of {len(chosen)}, {time.monotonic() - begun:.0f} s", flush=True)
            yield found


def _judge_the_judges(file: str, timeout: float) -> None:
    """Tests that refuse the core as it is would kill every mutant."""
    [fate] = trying.tried([unchanged(file)], 1, timeout)
    if fate.killer is not None:
        raise SystemExit(f"the core fails without any mutant: {fate.killer}")


def _report(fates: list[Tried], known: Known) -> int:
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
    around = 1.96 * sqrt(score * (1 - score) / number) if number else 0.0
    print(
        f"{dead} of {number} killed: {score:.1%} (+- {around:.1%} if drawn),"
        f" {len(fates) - number} equivalent left out"
    )
    return int(score < LEAST or bool(alive_not))


if __name__ == "__main__":
    typer.run(main)
