"""What the page says of the potential: its trust figures, and which of them missed their limit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vitrolyte.data.wording import number_text
from vitrolyte.potentials.card import TrustCard, TrustFigure
from vitrolyte.potentials.potential import Potential
from vitrolyte.report.page import TableSection

_HEADER = ("Figure", "Of", "Value", "Reference", "Limit", "Kept", "Frames", "How")
_TITLES = {
    "gr_overlap": "overlap of g(r)",
    "repulsive_share": "share of distances at which a pair repels",
    "force_rmse": "root mean square error of forces",
    "force_mae": "mean absolute error of forces",
    "energy_rmse": "root mean square error of energies",
    "energy_scatter": "scatter of the error of energies",
    "free_energy_error": "error of the free energy",
    "stress_rmse": "root mean square error of stresses",
    "nve_drift": "energy drift without thermostat",
}


def trust_warnings(potentials: Sequence[Potential]) -> Iterator[str]:
    """Yield one sentence for each potential that is not known to be right within its limits."""
    for potential in potentials:
        if potential.card is None:
            yield (
                f"The potential {potential.name} has no trust card: nothing is known of its errors."
            )
        elif not potential.card.trusted:
            yield f"The potential {potential.name} is not trusted. {_why(potential.card)}"


def trust_section(potential: Potential) -> TableSection:
    """Return every trust figure of a potential as a table."""
    title = f"Trust in the potential {potential.name}"
    if potential.card is None:
        return TableSection(title, _HEADER, (), "No trust figures were measured.")
    card = potential.card
    origin = f"Compared with {card.teacher}."
    if potential.kind == "student":
        origin = (
            f"Distilled from {card.teacher} on {card.trained_on} configurations; every figure is "
            "from configurations that it was not trained on."
        )
    caption = f"{origin} {' '.join(card.notes)}"
    return TableSection(title, _HEADER, tuple(map(_row, card.figures)), caption)


def _row(figure: TrustFigure) -> tuple[str, ...]:
    return (
        _title(figure.quantity),
        figure.of,
        f"{number_text(figure.value)} {figure.unit}",
        "" if figure.reference is None else f"{number_text(figure.reference)} {figure.unit}",
        "" if figure.limit is None else f"{figure.sense} {number_text(figure.limit)}",
        {True: "yes", False: "NO", None: ""}[figure.passed],
        str(figure.frames),
        figure.method,
    )


def _title(quantity: str) -> str:
    return _TITLES.get(quantity, quantity.replace("_", " "))


def _why(card: TrustCard) -> str:
    if card.failures:
        return f"Beyond the limit: {'; '.join(_failed(card.failures))}."
    open_figures = ", ".join(f"{_title(f.quantity)} of {f.of}".strip() for f in card.undecided)
    return f"Nothing is beyond its limit, but this could not be decided: {open_figures}."


def _failed(failures: Sequence[TrustFigure]) -> Iterator[str]:
    """Yield one phrase for each quantity that missed its limit, with its figures."""
    for name in dict.fromkeys(figure.quantity for figure in failures):
        alike = [figure for figure in failures if figure.quantity == name]
        figures = ", ".join(f"{f.of} {number_text(f.value)}".strip() for f in alike)
        first = alike[0]
        unit = "" if first.unit == "1" else f" {first.unit}"
        bound = "at most" if first.sense == "below" else "at least"
        limit = number_text(first.limit or 0.0)
        yield f"{_title(name)}: {figures}{unit} ({bound} {limit}{unit})"
