"""`python -m shared.policy`: check, show, diff, new-pool, schema."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as Drawn
from rich.text import Text

from shared.policy.book import NoRule
from shared.policy.checking import compile_with, described, summary
from shared.policy.faults import PolicyFaults
from shared.policy.schema import Form, schema_text
from shared.policy.shapes import MemberKind
from shared.policy.showing import Table, changes, rules_of_day
from shared.policy.speech import Language
from shared.policy.starting import write_pool

WIDTH_OF_A_FILE = 200
Day = partial(typer.Option, formats=["%Y-%m-%d"])
Pool = Annotated[str, typer.Option(help="the pool's code")]
Kind = Annotated[MemberKind | None, typer.Option(help="of one kind of member only")]
Policy = Annotated[Path | None, typer.Option(metavar="DIR", help="folder of further pools")]
Lang = Annotated[Language, typer.Option(help="zh or en")]

commands = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@commands.callback()
def tools() -> None:
    """For whoever writes a pool's documents: docs/policy-authors.md."""


@commands.command("check")
def check(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="folder of pools")],
    lang: Lang = "zh",
) -> None:
    """Compile the pools of DIR with the built-in ones; print every fault, else what they admit."""
    with _told(folder, lang):
        for line in summary(compile_with(folder), folder, lang):
            print(line)


@commands.command("show")
def show(
    pool: Pool,
    on: Annotated[datetime, Day(help="the day of care")],
    kind: Kind = None,
    policy: Policy = None,
    lang: Lang = "zh",
) -> None:
    """The rules of a day, each with its article, document, grade and labels."""
    with _told(policy, lang):
        _print(rules_of_day(compile_with(policy), pool, on.date(), kind, lang))


@commands.command("diff")
def diff(
    pool: Pool,
    since: Annotated[datetime, Day("--from", help="the earlier day")],
    until: Annotated[datetime, Day("--to", help="the later day")],
    kind: Kind = None,
    policy: Policy = None,
    lang: Lang = "zh",
) -> None:
    """What holds otherwise on the later day, cell by cell, by which articles."""
    if until < since:
        raise typer.BadParameter("--to is before --from")
    with _told(policy, lang):
        days = since.date(), until.date()
        _print(changes(compile_with(policy), pool, days, kind, lang))


@commands.command("new-pool")
def new_pool(
    code: Annotated[str, typer.Argument(help="six digits")],
    name: Annotated[str, typer.Argument(help="the pool's name")],
    into: Annotated[Path, typer.Option(metavar="DIR", help="folder of pools")] = Path(),
    slug: Annotated[str | None, typer.Option(help="how its files are called")] = None,
) -> None:
    """Write a pool's first files: they compile, and hold each cell as an example to uncomment."""
    try:
        written = write_pool(into, code, name, slug or code, compile_with(None))
    except (ValueError, FileExistsError) as refused:
        print(refused)
        raise typer.Exit(1) from None
    for path in written:
        print(path)


@commands.command("schema")
def schema(
    form: Annotated[Form, typer.Argument(help="document or pool")],
) -> None:
    """The JSON Schema of a document or of a pool.toml, for editors."""
    print(schema_text(form), end="")


@contextmanager
def _told(folder: Path | None, language: Language) -> Iterator[None]:
    """What stands in the way is told in words, and the command fails."""
    try:
        yield
    except PolicyFaults as found:
        for line in described(found.faults, folder, language):
            print(line)
        raise typer.Exit(1) from None
    except NoRule as none:
        unknown = none.why == "pool_unknown"
        print(f"{none.pool}: {'no such pool' if unknown else 'its first_date is later'}")
        raise typer.Exit(1) from None


def _print(table: Table) -> None:
    """To a terminal as wide as it is; to a file wide enough that a row stays one to the eye."""
    drawn = Drawn(box=SIMPLE_HEAD)
    for heading in table.headings:
        drawn.add_column(heading, overflow="fold")  # never an ellipsis in place of an amount
    for row in table.rows:
        drawn.add_row(*(Text(text) for text in row))
    console = Console() if sys.stdout.isatty() else Console(width=WIDTH_OF_A_FILE)
    console.print(drawn)
    for document in table.documents:
        console.print(Text(document), soft_wrap=True)


if __name__ == "__main__":
    commands()
