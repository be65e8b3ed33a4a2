"""What an author is told of a folder of pools: each fault with its line, else what it admits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from shared.policy.book import Book
from shared.policy.cells import CELLS
from shared.policy.compiler import BUILT_IN, SHEET, compile_book, demo_allowance
from shared.policy.faults import PolicyFault
from shared.policy.lines import line_of
from shared.policy.speech import Language, advice, words


def compile_with(folder: Path | None) -> Book:
    """The book of the built-in pools and of those in `folder`, a demo's allowances admitted.

    Raises PolicyFaults.
    """
    folders = (BUILT_IN,) if folder is None or folder.resolve() == BUILT_IN else (BUILT_IN, folder)
    return compile_book(folders, demo_allowance(folders))


def described(
    faults: Iterable[PolicyFault], folder: Path | None, language: Language
) -> Iterator[str]:
    """One line a fault, `file:line: clause: what to write`; without a line where it is a folder.

    In Chinese with the remedy in Chinese behind it: keys and values are the same in every language.
    """
    for fault in faults:
        path = _path_of(fault.file, [folder, BUILT_IN] if folder else [BUILT_IN])
        place = str(path)
        if path.is_file():
            # A file that is not even text is at fault as a whole.
            text = path.read_text(encoding="utf-8", errors="replace")
            place = f"{path}:{line_of(text, fault.place)}"
        remedy = advice(fault.what) if language == "zh" else ""
        told = ": ".join(part for part in (place, fault.clause, fault.what) if part)
        yield f"{told} ({remedy})" if remedy else told


def summary(book: Book, folder: Path, language: Language) -> Iterator[str]:
    """What is to be known of the folder's pools though nothing is wrong with them."""
    said = words(language)
    for sheet in book.pools():
        if not any(folder.glob(f"{sheet.pool}-*/{SHEET}")):
            continue
        table = book.parameters().items()
        flat = [(key[1], rule) for key, rules in table if key[0] == sheet.pool for rule in rules]
        unset = [name for name in CELLS if name not in {cell for cell, _ in flat}]
        count = f"{len(CELLS) - len(unset)}/{len(CELLS)}"
        yield said["summary"]["set"].format(f"{sheet.pool} {sheet.name}", count)
        if unset:
            joint = said["forms"]["between_parts"]
            named = joint.join(f"{said['cells'][name]} {name}" for name in unset)
            yield said["summary"]["unset"].format(named)
        admitted = dict.fromkeys(
            [f"{sheet.pool}:D" for _, rule in flat if rule.grade == "D"]
            + [f"{sheet.pool}:{cell}" for cell, rule in flat if rule.is_open]
        )
        if admitted:
            yield said["summary"]["admitted"].format(", ".join(admitted))


def _path_of(file: str, folders: Sequence[Path]) -> Path:
    """Where a fault's file lies: it is named within the folder that it was read from."""
    found = [folder / file for folder in folders if (folder / file).exists()]
    return found[0] if found else Path(file)
