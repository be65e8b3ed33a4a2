"""The front page as HTML: a picture in words, tables of figures and two plots, and nothing from
another host. Its policy of contents lets the browser ask nobody else."""

from __future__ import annotations

import base64
import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from pathlib import Path

from deploy.local import front_documents
from deploy.local.front_documents import Reader
from deploy.local.front_picture import Latest, Paid, Picture, Raised
from shared.money import Money

HERE = Path(__file__).parent
_WIDTH, _HEIGHT, _FOOT = 480, 150, 14


def reader_of(query: str, accepted: str) -> Reader:
    """The language asked for by `?lang=`, else by Accept-Language, whose first known one counts;
    Chinese where neither is asked for."""
    for pair in query.split("&"):
        if pair in ("lang=zh", "lang=en"):
            return Reader("zh" if pair == "lang=zh" else "en", chosen=True)
    for entry in accepted.lower().split(","):
        name = entry.strip().partition(";")[0]
        if name.partition("-")[0] in ("zh", "en"):
            return Reader("zh" if name.startswith("zh") else "en")
    return Reader("zh")


def headers() -> dict[str, str]:
    """The page's headers: only its own style and script, and only this host."""
    style, script = (_digest(HERE / name) for name in ("front.css", "front.js"))
    policy = (
        f"default-src 'none'; style-src '{style}'; script-src '{script}'; connect-src 'self';"
        " img-src data: 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {
        "content-security-policy": policy,
        "cache-control": "no-store",
        "vary": "Accept-Language",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
    }


def plot_headers() -> dict[str, str]:
    """A plot's headers: it may style itself, and nothing else."""
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    return headers() | {"content-security-policy": policy}


def page(
    picture: Picture | None,
    services: Mapping[str, bool],
    documented: Sequence[str],
    *,
    opened: bool,
    reader: Reader,
) -> str:
    """The whole page. `services` tells which are ready, `documented` which have a page to try
    them out; without a picture only those are shown."""
    words = _words()[reader.language]
    parts = [] if opened else [f'<section class="opening">{words["opening"]}</section>']
    parts.append(_services(services, documented, words))
    if picture is not None:
        parts += [_counts(picture, words), _plots(picture, words)]
        lists = _latest(picture.latest, words) + _flags(picture.flags, words)
        parts.append(f'<div class="lists">{lists}</div>')
    parts.append(_more(words, reader))
    return (
        _head("zh-CN" if reader.language == "zh" else "en", words["title"])
        + f"<body><header><h1>{words['title']}</h1>{_in_other('/', reader)}"
        f"<p>{words['lead']}</p></header>\n<main>{''.join(parts)}</main>\n"
        f"<script>{_text('front.js')}</script></body></html>\n"
    )


def document_page(place: Path, reader: Reader) -> str:
    """A document, or what lies in a folder of documents, as a page."""
    words = _words()[reader.language]
    if place.is_dir():
        shown = f"<h1>{place.name}</h1><ul>{front_documents.listed(place, reader)}</ul>"
        language, title = "en", place.name
    else:
        shown = front_documents.rendered(place, reader)
        language = front_documents.language_of_page(place)
        title = front_documents.title_of(place, reader)
    return (
        _head(language, escape(title))
        + f'<body><header><a href="/{reader.carried}">{words["title"]}</a></header>\n'
        f'<main><section class="document">{shown}</section></main></body></html>\n'
    )


def _head(language: str, title: str) -> str:
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{title}</title>'
        f"<style>{_text('front.css')}</style></head>\n"
    )


def _in_other(address: str, reader: Reader) -> str:
    other = "en" if reader.language == "zh" else "zh"
    said = _words()[reader.language]["other"]
    return f'<a href="{address}?lang={other}" lang="{other}" hreflang="{other}">{said}</a>'


def _counts(picture: Picture, words: Mapping[str, str]) -> str:
    cards = [
        ("settled", f"{picture.standing:,}", ""),
        ("fund_month", _yuan(picture.fund_month), ""),
        ("open_flags", f"{picture.flags_open:,}", ' class="risk"'),
        ("at_risk", _yuan(picture.at_risk), ' class="risk"'),
        ("reversed", f"{picture.reversed:,}", ""),
        ("opened", f"{picture.opened:,}", ""),
        ("deferred", f"{picture.deferred:,}", ""),
        ("proposed", f"{picture.proposed:,}", ""),
    ]
    shown = "".join(
        f'<div><dt>{words[name]}</dt><dd id="{name}"{kind}>{value}</dd></div>'
        for name, value, kind in cards
    )
    return f'<section><h2>{words["now"]}</h2><dl class="cards">{shown}</dl></section>'


def _plots(picture: Picture, words: Mapping[str, str]) -> str:
    return (
        '<section class="plots">'
        + _bars(picture.days, words["month_plot"], words["of_day"])
        + _bars(picture.months, words["months_plot"], words["of_month"])
        + "</section>"
    )


def _bars(paid: Sequence[Paid], caption: str, told: str) -> str:
    """A bar chart; each bar says its figure to a pointer and to a screen reader.

    A day on which reversals outweigh settlements has no bar, only its figure.
    """
    most = max((one.amount.fen for one in paid), default=0)
    step = _WIDTH // max(1, len(paid))
    bars = []
    for place, one in enumerate(paid):
        tall = max(0, one.amount.fen) * (_HEIGHT - _FOOT - 12) // max(1, most)
        text = escape(told.format(label=one.label, amount=_yuan(one.amount)))
        bars.append(
            f'<rect x="{place * step}" y="{_HEIGHT - _FOOT - tall}" width="{max(1, step - 2)}"'
            f' height="{tall}"><title>{text}</title></rect>'
        )
    first, last = (paid[0].label, paid[-1].label) if paid else ("", "")
    floor = _HEIGHT - _FOOT
    return (
        f'<figure><figcaption>{caption}</figcaption><svg viewBox="0 0 {_WIDTH} {_HEIGHT}"'
        f' role="img" aria-label="{caption}">{"".join(bars)}'
        f'<line x1="0" y1="{floor}" x2="{_WIDTH}" y2="{floor}"/>'
        f'<text x="0" y="{_HEIGHT - 3}">{first}</text>'
        f'<text x="{len(paid) * step}" y="{_HEIGHT - 3}" text-anchor="end">{last}</text>'
        f'<text x="0" y="9">{_yuan(Money(most))}</text></svg></figure>'
    )


def _hospital(borne: Money, words: Mapping[str, str]) -> str:
    keeps = borne.fen < 0
    return f"{words['keeps' if keeps else 'institution']} {_yuan(-borne if keeps else borne)}"


def _other(paid: Money, words: Mapping[str, str]) -> str:
    return f"<span>{words['other_fund']} {_yuan(paid)}</span>" if paid else ""


def _what(one: Latest, words: Mapping[str, str]) -> str:
    """The benefit and its day; of a birth also how it was."""
    said = f"{words[one.benefit]} {one.event_on}"
    return said if one.mode is None else f"{said} · {words[one.mode]}"


def _latest(latest: Sequence[Latest], words: Mapping[str, str]) -> str:
    entries = [
        f'<li data-benefit="{one.benefit}"><strong>{escape(one.institution)}</strong>'
        f' <span class="meta">{escape(one.pool)} ·'
        f" {_what(one, words)}</span>"
        f'<div class="sums"><span>{words["total"]} {_yuan(one.total)}</span>'
        f"<strong>{words['fund']} {_yuan(one.fund)}</strong>"
        f"<span>{words['member']} {_yuan(one.member)}</span>"
        f"<span>{_hospital(one.borne, words)}</span>{_other(one.other, words)}</div>"
        + _why(str(one.settlement_id), words["why"], one.why)
        + "</li>"
        for one in latest
    ]
    return _list(words["latest"], entries, words["nothing"])


def _flags(flags: Sequence[Raised], words: Mapping[str, str]) -> str:
    entries = [
        f'<li><strong class="risk">{escape(one.title)}</strong> '
        f'<span class="meta">{escape(one.pool)} · {escape(one.institution)}</span>'
        f'<div class="sums"><span>{words["at_risk"]} {_yuan(one.at_risk)}</span></div>'
        + _why(str(one.flag_id), words["why_flag"], one.why)
        + "</li>"
        for one in flags
    ]
    return _list(words["flags"], entries, words["no_flags"])


def _list(title: str, entries: Sequence[str], none: str) -> str:
    shown = f'<ul class="entries">{"".join(entries)}</ul>' if entries else f"<p>{none}</p>"
    return f"<section><h2>{title}</h2>{shown}</section>"


def _why(of: str, question: str, sentences: Sequence[str]) -> str:
    told = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return (
        f'<details data-of="{of}"><summary>{question}</summary><ol>{told}</ol>'
        f'<p class="meta">{of}</p></details>'
    )


def _services(
    services: Mapping[str, bool], documented: Sequence[str], words: Mapping[str, str]
) -> str:
    shown = []
    for name, ready in services.items():
        links = [("openapi.json", words["openapi"]), ("metrics", words["metrics"])]
        links += [("docs", words["docs"])] if name in documented else []
        hrefs = " · ".join(f'<a href="/{name}/{place}">{text}</a>' for place, text in links)
        state = words["ready"] if ready else words["not_ready"]
        shown.append(
            f'<li class="service{" ready" if ready else ""}"><b>{name}</b> <span>{words[name]} ·'
            f' <a href="/{name}/readyz">{state}</a></span><br>{hrefs}</li>'
        )
    return f'<section><h2>{words["services"]}</h2><ul class="cards">{"".join(shown)}</ul></section>'


def _more(words: Mapping[str, str], reader: Reader) -> str:
    console = f'<a href="/console">{words["console"]}</a>'
    items = "".join(f"<li>{item}</li>" for item in (console, words["keys"], words["verify"]))
    pages = front_documents.links(front_documents.pages(reader), reader)
    return (
        f"<section><h2>{words['more']}</h2><ul>{items}</ul>"
        f'<h2 class="pages">{words["pages"]}</h2><ul class="pages">{pages}</ul></section>'
    )


def _yuan(amount: Money) -> str:
    """An amount for people: thousands apart, two decimals."""
    whole, _, decimals = amount.to_wire().partition(".")
    return f"{int(whole):,}.{decimals}" if whole != "-0" else f"-0.{decimals}"


@cache
def _words() -> dict[str, dict[str, str]]:
    words: dict[str, dict[str, str]] = tomllib.loads(_text("front_words.toml"))
    return words


@cache
def _text(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


@cache
def _digest(file: Path) -> str:
    hashed = hashlib.sha256(file.read_bytes()).digest()
    return f"sha256-{base64.b64encode(hashed).decode()}"
