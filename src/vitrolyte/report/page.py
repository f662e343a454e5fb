"""The report: one HTML file that opens without a network."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from itertools import groupby
from pathlib import Path

from vitrolyte import __version__
from vitrolyte.data.curve import CurveSet
from vitrolyte.data.io.files import write_text
from vitrolyte.data.io.observations import to_csv
from vitrolyte.data.observation import Observation
from vitrolyte.data.origin import Origin
from vitrolyte.report.figures import figure
from vitrolyte.report.markup import Markup, join, script_json, tag
from vitrolyte.report.model import ModelView
from vitrolyte.report.rows import (
    comparison_csv,
    comparison_table,
    observation_table,
    plain_table,
    with_formulas,
)
from vitrolyte.report.verdict import WORDING, kinds_text, side_by_side
from vitrolyte.study.comparison import Comparison

PLOTS = "plotly-basic.min.js"
MODELS = "3Dmol.min.js"
LICENCES = {
    PLOTS: "plotly.js 4.1.1, basic bundle, MIT licence, © Plotly, Inc.",
    MODELS: "3Dmol.js 2.5.5, BSD-3-Clause licence, © University of Pittsburgh and contributors",
}
LICENCE_TEXTS = {PLOTS: "plotly-LICENSE.txt", MODELS: "3Dmol-LICENSE.txt"}


@dataclass(frozen=True)
class FigureSection:
    """One picture with a sentence below it; its heading is the title of the curves.

    Pictures of one ``group`` that follow one another stand together under its name.
    """

    curves: CurveSet
    caption: str = ""
    group: str = ""


@dataclass(frozen=True)
class TableSection:
    """A table of texts: the protocol, a trust card, the profile.

    Attributes
    ----------
    title
        Heading of the section.
    header
        One word or two per column.
    rows
        Each as long as the header.
    caption
        What a reader should know before trusting the table.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""


@dataclass(frozen=True)
class Page:
    """Everything that one report shows; the sections that are empty are left out."""

    title: str
    subtitle: str
    verdict: tuple[str, ...]
    comparisons: tuple[Comparison, ...] = ()
    observations: tuple[Observation, ...] = ()
    figures: tuple[FigureSection, ...] = ()
    model: ModelView | None = None
    tables: tuple[TableSection, ...] = ()
    citations: tuple[str, ...] = ()
    origins: tuple[Origin, ...] = ()
    warnings: tuple[str, ...] = ()


def write_report(path: Path, page: Page) -> None:
    """Write a page as one HTML file that holds its scripts and data and asks no network.

    Raises
    ------
    StorageError
        If the disk is full or the folder cannot be written.
    """
    write_text(path, render(page))


def render(page: Page) -> str:
    """Return the HTML of a page; the same page gives the same text."""
    scripts = [_asset(name) for name in _needed(page)] + [_asset("page.js")]
    document = tag(
        "html",
        _head(page, scripts),
        tag("body", _body(page), _data(page), [_script(text) for text in scripts]),
        lang="en",
    )
    return f"<!DOCTYPE html>\n{document}\n"


def _asset(name: str) -> str:
    return (files("vitrolyte.report") / "assets" / name).read_text(encoding="utf-8")


def _needed(page: Page) -> list[str]:
    return ([PLOTS] if page.figures else []) + ([MODELS] if page.model else [])


def _script(text: str) -> Markup:
    return Markup(f"<script>{text}</script>")


def _policy(scripts: Sequence[str]) -> str:
    """Return a content policy: no network, and only the scripts that this module wrote may run."""
    hashes = (base64.b64encode(hashlib.sha256(text.encode()).digest()) for text in scripts)
    allowed = " ".join(f"'sha256-{value.decode()}'" for value in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _head(page: Page, scripts: Sequence[str]) -> Markup:
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(scripts)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="generator", content=f"Vitrolyte {__version__}"),
        tag("title", f"{page.title} · Vitrolyte"),
        Markup(f"<style>{_asset('page.css')}</style>"),
    )


def _body(page: Page) -> Markup:
    sections = [
        _verdict(page),
        _comparisons(page),
        _figures(page),
        _model(page),
        *(_table(number, table) for number, table in enumerate(page.tables)),
        _observations(page),
        _citations(page),
        _origins(page),
    ]
    shown = [section for section in sections if section]
    title = with_formulas(page.title, _formulas(page))
    header = tag(
        "header",
        tag("p", "Vitrolyte", class_="brand"),
        tag("h1", title),
        tag("p", with_formulas(page.subtitle, _formulas(page)), class_="subtitle"),
        _contents(page),
    )
    return join([header, tag("main", shown), _footer(page)])


def _formulas(page: Page) -> list[str]:
    return sorted({row.formula for row in page.observations} | _compared_formulas(page))


def _compared_formulas(page: Page) -> set[str]:
    return {pair.row.formula for pair in page.comparisons}


def _contents(page: Page) -> Markup:
    entries = [
        ("verdict", "Verdict", True),
        ("comparison", "Comparison", bool(page.comparisons)),
        ("figures", "Figures", bool(page.figures)),
        ("structure", "Structure", page.model is not None),
        *((f"table-{n}", table.title, True) for n, table in enumerate(page.tables)),
        ("numbers", "All numbers", bool(page.observations)),
        ("citations", "Citations", bool(page.citations)),
        ("origin", "Origin", bool(page.origins)),
    ]
    links = [tag("a", text, href=f"#{name}") for name, text, shown in entries if shown]
    return tag("nav", links, aria_label="Sections")


def _section(identity: str, title: str, *children: Markup | None) -> Markup:
    heading = tag("h2", title, id=f"{identity}-title")
    return tag("section", heading, children, id=identity, aria_labelledby=f"{identity}-title")


def _verdict(page: Page) -> Markup:
    formulas = _formulas(page)
    first, *rest = [with_formulas(text, formulas) for text in page.verdict or ("No verdict.",)]
    warnings = [tag("li", with_formulas(text, formulas)) for text in page.warnings]
    caution = tag("div", tag("strong", "Read with care"), tag("ul", warnings), class_="warning")
    return _section(
        "verdict",
        "Verdict",
        tag("p", first, class_="lead"),
        tag("ul", [tag("li", text) for text in rest], class_="verdict") if rest else None,
        caution if warnings else None,
    )


def _controls(identity: str, groups: Sequence[tuple[str, Sequence[str]]]) -> Markup:
    """Return the text filter, one row of chips per attribute, the row count and the download."""
    search = tag("input", type="search", placeholder="Filter …", aria_label="Filter the table")
    chips = [
        tag("button", word, type="button", class_="filter", data_key=key, data_value=word,
            aria_pressed="false")
        for key, words in groups
        for word in words
        if word
    ]  # fmt: skip
    count = tag("span", "", class_="count", aria_live="polite")
    order = tag("select", aria_label="Sort by")
    download = tag("button", "Download CSV", type="button", class_="download")
    return tag("div", search, chips, order, count, download, class_="controls", data_for=identity)


def _comparisons(page: Page) -> Markup | None:
    if not page.comparisons:
        return None
    pairs = side_by_side(page.comparisons)
    verdicts = [w for w in WORDING if any(pair.verdict == w for pair in pairs)]
    phases = sorted({pair.row.phase for pair in pairs})
    controls = _controls("comparisons", [("verdict", verdicts), ("phase", phases)])
    rest = [pair for pair in page.comparisons if not pair.side_by_side]
    return _section(
        "comparison",
        _side_by_side(page.comparisons),
        join([controls, comparison_table(pairs)]) if pairs else None,
        _without_counterpart(rest, _formulas(page)) if rest else None,
    )


def _side_by_side(pairs: Sequence[Comparison]) -> str:
    """Return a heading such as ``Computed beside published``."""
    kinds = {row.kind for pair in pairs for row in (pair.row, pair.reference) if row is not None}
    order = [kind for kind in ("computed", "measured", "published") if kind in kinds]
    return " beside ".join(order if len(order) > 1 else [*order, "published"]).capitalize()


def _without_counterpart(rest: Sequence[Comparison], formulas: Sequence[str]) -> Markup:
    kinds = kinds_text(pair.row for pair in rest)
    title = f"{len(rest)} {kinds} values without a counterpart in the same state"
    reasons = [tag("li", with_formulas(pair.reason, formulas)) for pair in rest]
    return tag("details", tag("summary", title), tag("ul", reasons), class_="rest")


def _observations(page: Page) -> Markup | None:
    if not page.observations:
        return None
    statuses = sorted({row.status for row in page.observations})
    phases = sorted({row.phase for row in page.observations})
    return _section(
        "numbers",
        "All numbers",
        _controls("observations", [("phase", phases), ("status", statuses)]),
        observation_table(page.observations),
    )


def _figures(page: Page) -> Markup | None:
    if not page.figures:
        return None
    numbered = groupby(enumerate(page.figures), key=lambda pair: pair[1].group)
    groups = [_group(name, [_figure(n, one) for n, one in part]) for name, part in numbered]
    note = tag("p", "Bars and bands are 95 % intervals. Drag to zoom, double-click to reset, "
               "click a legend entry to hide it.", class_="hint")  # fmt: skip
    return _section("figures", "Figures", note, *groups)


def _group(name: str, frames: Sequence[Markup]) -> Markup:
    pictures = tag("div", frames, class_="figures")
    if not name:
        return pictures
    count = f" ({len(frames)})" if len(frames) > 1 else ""
    return tag("details", tag("summary", f"{name}{count}"), pictures, class_="group", open=True)


def _figure(number: int, section: FigureSection) -> Markup:
    title = section.curves.title
    window = "Shaded: the part that the number rests on." if section.curves.window else ""
    caption = " ".join(part for part in (section.caption, window) if part)
    plot = tag("div", class_="plot", data_figure=str(number), role="group", aria_label=title)
    return tag("figure", tag("h3", title), plot, tag("figcaption", caption) if caption else None)


def _model(page: Page) -> Markup | None:
    if page.model is None:
        return None
    turns = [("left", "↺"), ("right", "↻"), ("up", "↑"), ("down", "↓"), ("reset", "Reset")]
    buttons = [
        tag("button", text, type="button", data_turn=word, aria_label=f"Turn {word}")
        for word, text in turns
    ]
    shown = tag("div", class_="species", role="group", aria_label="What is shown")
    view = tag("div", id="model-view", role="group", aria_label="Rotatable view of the structure")
    return _section(
        "structure",
        "Structure",
        tag("div", shown, tag("div", buttons, class_="turns"), class_="controls model-controls"),
        view,
        tag("p", _model_caption(page.model), class_="hint"),
    )


def _model_caption(model: ModelView) -> str:
    counts = {word: model.species.count(word) for word in sorted(set(model.species))}
    atoms = ", ".join(f"{number} {word}" for word, number in counts.items())
    parts = [model.caption, f"{len(model.species)} atoms ({atoms})."]
    if model.coordination is not None:
        rule = model.coordination
        parts.append(
            f"Polyhedra: {rule.ligand} within {rule.cutoff_A:.2f} Å of {rule.centre} "
            f"({len(model.polyhedra)} drawn)."
        )
    return " ".join(part for part in [*parts, "Drag to turn, scroll to zoom."] if part)


def _table(number: int, table: TableSection) -> Markup:
    caption = tag("p", table.caption, class_="hint") if table.caption else None
    return _section(f"table-{number}", table.title, caption, plain_table(table.header, table.rows))


def _citations(page: Page) -> Markup | None:
    if not page.citations:
        return None
    return _section("citations", "Citations", tag("ol", [tag("li", c) for c in page.citations]))


def _origins(page: Page) -> Markup | None:
    if not page.origins:
        return None
    lead = "Every step with its settings, the ids of its inputs and its seed."
    blocks = [_origin(origin) for origin in page.origins]
    return _section("origin", "Origin", tag("p", lead, class_="hint"), *blocks)


def _origin(origin: Origin) -> Markup:
    text = json.dumps({"id": origin.id, **asdict(origin)}, indent=2, ensure_ascii=False)
    name = tag("summary", tag("code", origin.function), " ", tag("code", origin.id))
    return tag("details", name, tag("pre", text))


def _footer(page: Page) -> Markup:
    credits = [f"Made by Vitrolyte {__version__}", *(LICENCES[n] for n in _needed(page))]
    texts = [tag("pre", _asset(LICENCE_TEXTS[name])) for name in _needed(page)]
    terms = tag("details", tag("summary", "Licences of the scripts in this page"), texts)
    return tag("footer", tag("p", "; ".join(credits)), terms if texts else None)


def _data(page: Page) -> Markup:
    blocks = {
        "figures-data": [figure(section.curves) for section in page.figures],
        "model-data": page.model.plain() if page.model else None,
        "csv-data": {
            "comparisons": comparison_csv(page.comparisons),
            "observations": to_csv(page.observations),
        },
    }
    return join([script_json(name, value) for name, value in blocks.items()])
