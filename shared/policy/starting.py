"""A new pool's first files: the least that compiles, and each cell as an example to uncomment."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from string import Template

from shared.policy.book import Book
from shared.policy.cells import CELLS
from shared.policy.compiler import SHEET
from shared.policy.document import Inheritance, PoolSheet
from shared.policy.rules import arrange, key_name

_TEMPLATES = Path(__file__).parent / "starting"
_DOCUMENT = "document.toml"
_FIRST_DATE = date(2020, 1, 1)  # the two insurances are one
_OURS = "000000"  # the national documents and our defaults
# The head and the first clause stay as they are; from here on all is example.
_EXAMPLES = "\n## ===="


def write_pool(folder: Path, code: str, name: str, slug: str, built_in: Book) -> tuple[Path, ...]:
    """Write `<code>-<slug>/` with a page and a document; returns the two files.

    Raises ValueError for a code, name or slug that no pool can have, and FileExistsError where
    the pool has a folder already.
    """
    if not re.fullmatch(r"[0-9]{6}", code):
        raise ValueError("a pool's code is six digits")
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug):
        raise ValueError("a slug is of small letters, digits and hyphens")
    if not name.strip() or re.search(r"[\"\\\x00-\x1f\x7f]", name):
        raise ValueError("a pool's name is one line without quotes or backslashes")
    if code in {sheet.pool for sheet in built_in.pools()} or any(folder.glob(f"{code}-*")):
        raise FileExistsError(f"{code} is a pool already")
    texts = {
        SHEET: _sheet(code, name, built_in),
        f"{slug}-first.toml": _commented(
            _template(_DOCUMENT).substitute(code=code, first_date=_FIRST_DATE)
        ),
    }
    pool = folder / f"{code}-{slug}"
    pool.mkdir(parents=True)
    for file, text in texts.items():
        (pool / file).write_text(text, encoding="utf-8")
    return tuple(pool / file for file in texts)


def _sheet(code: str, name: str, built_in: Book) -> str:
    """The pool's page: it takes all that the national documents and our defaults say."""
    national = [document for document in built_in.documents if document.pool == _OURS]
    said = {cell for document in national for clause in document.clause
            for cell in clause.cell_names()}  # fmt: skip
    cells = tuple(cell for cell in CELLS if cell in said)
    taken = Inheritance(pool=_OURS, cells=cells)
    sheet = PoolSheet(pool=code, name=name, first_date=_FIRST_DATE, inherits=(taken,))
    late = [key_name(key) for key, versions in arrange([sheet], national).items()
            if versions[0].sourced.since > _FIRST_DATE]  # fmt: skip
    return _template(SHEET).substitute(
        code=code,
        name=name,
        first_date=_FIRST_DATE,
        begins_later=", ".join(f'"{key}"' for key in late),
        cells="\n".join(f'  "{cell}",' for cell in cells),
    )


def _commented(text: str) -> str:
    """Examples as comments: explanations keep their two signs, what can be set gets one."""
    head, examples = text.split(_EXAMPLES, 1)
    lines = [
        line if not line or line.startswith("##") else f"# {line}"
        for line in f"{_EXAMPLES}{examples}".split("\n")
    ]
    return head + "\n".join(lines)


def _template(name: str) -> Template:
    return Template((_TEMPLATES / name).read_text(encoding="utf-8"))
