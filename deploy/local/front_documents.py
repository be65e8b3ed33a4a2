"""The documents of `docs/` as pages: Markdown rendered here, in the reader's language where a twin
exists, every link to a page or file of this host. What is no Markdown stays as it lies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from shared.policy.speech import Language

DOCUMENTS = Path(__file__).parents[2] / "docs"
SHOWN = frozenset((".md", ".yaml", ".json", ".http", ".py", ".csv"))
PLOT = ".svg"
_CHINESE = ".zh.md"
_WIDE = "\u2e80"
"""From here on characters are written without a space between them."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: a language, and what an address must carry on where that was chosen by hand."""

    language: Language
    chosen: bool = False

    @property
    def carried(self) -> str:
        """What each link to a page ends with."""
        return f"?lang={self.language}" if self.chosen else ""


def document_at(path: str) -> Path | None:
    """The file or folder of an address below `/docs/`; None where nothing is shown there."""
    place = (DOCUMENTS / path).resolve()
    if not place.is_relative_to(DOCUMENTS) or place == DOCUMENTS:
        return None
    shown = place.suffix in SHOWN or place.suffix == PLOT
    return place if place.is_dir() or (place.is_file() and shown) else None


def pages(reader: Reader) -> list[Path]:
    """The pages to list for a reader: each once, in her language where it is written in it."""
    return [_for(page, reader) for page in _once(DOCUMENTS)]


def title_of(place: Path, reader: Reader) -> str:
    """A page's first heading; of a heading in both languages the reader's half; else the name."""
    if place.suffix != ".md":
        return place.name
    with place.open(encoding="utf-8") as lines:
        heading = next(lines, "").lstrip("# ").strip().replace("`", "")
    halves = heading.split(" · ")
    if len(halves) == 2:
        return halves[_is_chinese(halves[1]) == (reader.language == "zh")]
    return heading


def address_of(place: Path, reader: Reader) -> str:
    """Where a reader finds a page or file."""
    return f"/docs/{place.relative_to(DOCUMENTS).as_posix()}{reader.carried}"


def language_of_page(page: Path) -> str:
    """The language that a page is written in, as HTML names it."""
    return "zh-CN" if page.name.endswith(_CHINESE) else "en"


def rendered(page: Path, reader: Reader) -> str:
    """The page's text as HTML. Whatever HTML stands in it is text too: a document runs nothing."""
    markdown = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")
    tokens = markdown.parse(page.read_text(encoding="utf-8"))
    for token in tokens:
        _aligned(token)
        for link in _links(token):
            _lead(link, page, reader)
        for plot in _plots(token):
            _find(plot, page, reader)
    _anchored(tokens)
    html: str = markdown.renderer.render(tokens, markdown.options, {})
    return html


def listed(folder: Path, reader: Reader) -> str:
    """What lies in a folder, as HTML: a link each."""
    shown = sorted(
        one for one in folder.iterdir() if one.suffix in SHOWN and not one.name.endswith(".md")
    )
    return links([_for(page, reader) for page in _once(folder)] + shown, reader)


def links(places: Sequence[Path], reader: Reader) -> str:
    """A list of links by title."""
    return "".join(
        f'<li><a href="{address_of(place, reader)}">{escape(title_of(place, reader))}</a></li>'
        for place in places
    )


def _once(folder: Path) -> list[Path]:
    """Every page of a folder, without its twins."""
    return sorted(page for page in folder.glob("*.md") if not page.name.endswith(_CHINESE))


def _for(page: Path, reader: Reader) -> Path:
    """The page in the reader's language, where it is written in it."""
    twin = page.with_name(page.name.removesuffix(".md") + _CHINESE)
    wanted = reader.language == "zh" and not page.name.endswith(_CHINESE) and twin.exists()
    return twin if wanted else page


def _links(token: Token) -> list[Token]:
    return [child for child in token.children or () if child.type == "link_open"]


def _plots(token: Token) -> list[Token]:
    return [child for child in token.children or () if child.type == "image"]


def _find(plot: Token, page: Path, reader: Reader) -> None:
    """Let a plot be fetched from where it is shown; what is none here stays its caption."""
    place = (page.parent / unquote(str(plot.attrGet("src") or ""))).resolve()
    found = place.suffix == PLOT and document_at(str(place)) is not None
    plot.attrSet("src", address_of(place, reader) if found else "data:,")


def _lead(link: Token, page: Path, reader: Reader) -> None:
    """Let a link lead to where its target is shown; one that leaves `docs/` only says its path."""
    target = str(link.attrGet("href") or "")
    parts = urlsplit(target)
    if parts.scheme or parts.netloc:
        link.attrSet("rel", "noreferrer")
        return
    if not parts.path:
        return
    place = (page.parent / unquote(parts.path)).resolve()
    if document_at(str(place)) is None:
        link.attrs = {"title": parts.path}
        return
    own = {page.name, page.name.replace(_CHINESE, ".md"), page.name.replace(".md", _CHINESE)}
    if place.suffix == ".md" and not (place.parent == page.parent and place.name in own):
        place = _for(place, reader)
    link.attrSet(
        "href", address_of(place, reader) + (f"#{parts.fragment}" if parts.fragment else "")
    )


def _aligned(token: Token) -> None:
    """A cell's side as a class: the policy of contents lets no style stand in a page."""
    style = token.attrs.pop("style", "")
    if style:
        token.attrSet("class", str(style).rpartition(":")[2])


def _anchored(tokens: Sequence[Token]) -> None:
    """A name for each heading, as links to it are written."""
    for token, content in pairwise(tokens):
        if token.type == "heading_open":
            kept = re.sub(r"[^\w\- ]", "", content.content.lower())
            token.attrSet("id", kept.replace(" ", "-"))


def _is_chinese(text: str) -> bool:
    return any(character >= _WIDE for character in text)


class _Renderer(RendererHTML):
    """The usual one; but the end of a line between Chinese characters is no space."""

    def softbreak(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        """A line's end within a paragraph."""
        before, after = tokens[idx - 1].content[-1:], tokens[idx + 1].content[:1]
        return "" if before >= _WIDE or after >= _WIDE else "\n"
