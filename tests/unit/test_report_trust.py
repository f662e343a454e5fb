"""What the first page says of a potential that is not trusted."""

from types import SimpleNamespace

import pytest

from vitrolyte.potentials.card import TrustCard, TrustFigure
from vitrolyte.report.trust import trust_warnings

GOOD = TrustFigure("force_rmse", "melt", 0.05, "eV/Å", None, 0.15, "below", 12, "counted")
BAD = TrustFigure("force_rmse", "glass", 0.2, "eV/Å", None, 0.15, "below", 12, "counted")
OPEN = TrustFigure(
    "gr_overlap", "melt, O-O", 0.96, "1", None, 0.97, "above", 12, "counted", (0.95, 0.99), "short"
)


def said(*figures: TrustFigure) -> list[str]:
    card = TrustCard("salt", "teacher", 10, figures, ())
    return list(trust_warnings([SimpleNamespace(name="salt", card=card)]))


def test_a_trusted_potential_is_not_mentioned():
    assert said(GOOD) == []


@pytest.mark.parametrize(
    ("figures", "told"),
    [
        ((GOOD, BAD, OPEN), "Beyond the limit: root mean square error of forces: glass 0.2 eV/Å"),
        ((GOOD, OPEN), "could not be decided: overlap of g(r) of melt, O-O."),
    ],
)
def test_the_reason_is_told(figures, told):
    (sentence,) = said(*figures)
    assert "not trusted" in sentence
    assert told in sentence


def test_a_potential_without_a_card_says_so():
    (sentence,) = trust_warnings([SimpleNamespace(name="salt", card=None)])
    assert "no trust card" in sentence
