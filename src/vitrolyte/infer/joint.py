"""One fit to several curves that share some of their parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.model import Floats, Model, Numbers, Parameter
from vitrolyte.data.quantity import Quantity
from vitrolyte.infer.fit import Fit, FitSettings, derivatives, fit
from vitrolyte.infer.quality import quality_of

_PLAIN = FitSettings()


@dataclass(frozen=True, eq=False)
class JointFit:
    """Several curves fitted at once.

    Attributes
    ----------
    whole
        The fit of all curves; a parameter that is not shared is called ``name [curve]``.
    shared
        The parameters that curves have in common, by name.
    parts
        The same fit as each curve sees it: its model, its own parameters with their part of the
        joint covariance, its residuals, its own sum of squares against its own points.
    """

    whole: Fit
    shared: Mapping[str, Quantity]
    parts: tuple[Fit, ...]


def joint_fit(
    parts: Sequence[tuple[Model, Curve]],
    shared: Sequence[str],
    *,
    trust: float = 20.0,
    settings: FitSettings = _PLAIN,
) -> JointFit:
    """Fit models to their curves at once, some parameters being the same number in all of them.

    A shared parameter takes its start, bounds and kind from the first model that has it; models
    that lack it are not concerned. Where no curve has errors each is weighted by the scatter about
    its own fit, found first; the scatter then decides.

    Parameters
    ----------
    parts
        Model and curve, one pair of each curve, real or complex.
    shared
        Names of the parameters to share.
    trust, settings
        As of `fit`.

    Raises
    ------
    InputError
        If there is no curve, a shared name occurs in fewer than two models, or some curves have
        errors and others do not.
    NotConverged
        As `fit` does.
    """
    layout = _Layout(tuple(parts), tuple(shared))
    known = layout.errors_known()
    if not known:
        layout = replace(layout, pairs=_weighted(layout.pairs, settings))
    model, curve = layout.model(), layout.curve()
    whole = fit(model, curve, trust=trust if known else 0.0, settings=settings)
    if not known:
        whole = replace(whole, chi2=float("nan"), p_value=float("nan"))
    return JointFit(
        whole,
        {name: whole.parameters[name] for name in layout.shared},
        tuple(layout.part(whole, k) for k in range(len(layout.pairs))),
    )


@dataclass(frozen=True, eq=False)
class _Layout:
    """Where the parameters and points of each curve stand among those of all."""

    pairs: tuple[tuple[Model, Curve], ...]
    shared: tuple[str, ...]

    def __post_init__(self) -> None:
        counts = {n: sum(n in _names(m) for m, _ in self.pairs) for n in self.shared}
        if not self.pairs or any(count < 2 for count in counts.values()):
            raise InputError(
                "A joint fit needs curves, and shared parameters that occur in two models or more",
                received=f"{len(self.pairs)} curves, "
                + ", ".join(f"{name} in {count}" for name, count in counts.items()),
            )

    def errors_known(self) -> bool:
        """Return whether the curves have errors; all or none must."""
        known = [curve.y_error is not None for _, curve in self.pairs]
        if any(known) and not all(known):
            raise InputError(
                "Either each curve of a joint fit has errors, or none has",
                received=f"errors in {sum(known)} of {len(known)} curves",
            )
        return all(known)

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """Return the parameters of all, each shared one once."""
        found: dict[str, Parameter] = {}
        for k, (model, _) in enumerate(self.pairs):
            for parameter in model.parameters:
                name = self._name(parameter.name, k)
                found.setdefault(name, replace(parameter, name=name))
        return tuple(found.values())

    @cached_property
    def places(self) -> tuple[NDArray[np.intp], ...]:
        """Return where the parameters of each model stand."""
        where = {parameter.name: place for place, parameter in enumerate(self.parameters)}
        return tuple(
            np.array([where[self._name(name, k)] for name in _names(model)], dtype=np.intp)
            for k, (model, _) in enumerate(self.pairs)
        )

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """Return where the real numbers of each curve stand."""
        sizes = [len(c) * (2 if np.iscomplexobj(c.y) else 1) for _, c in self.pairs]
        ends = np.cumsum(sizes)
        return tuple(slice(int(end - size), int(end)) for end, size in zip(ends, sizes))

    def _name(self, name: str, k: int) -> str:
        return name if name in self.shared else f"{name} [{k + 1}]"

    def model(self) -> Model:
        """Return the model of all curves, one after the other."""
        return Model(self._forward, self.parameters, self._jacobian)

    def curve(self) -> Curve:
        """Return the points of all curves, one after the other."""
        y = np.concatenate([_real(curve.y) for _, curve in self.pairs])
        errors = np.concatenate([_errors(curve) for _, curve in self.pairs])
        place = np.arange(len(y), dtype=float)
        return Curve(place, y, Axis("point", ""), Axis("value", ""), errors)

    def _forward(self, x: Floats, values: Floats) -> Floats:
        del x
        return np.concatenate(
            [
                _real(model.forward(curve.x, values[place]))
                for (model, curve), place in zip(self.pairs, self.places)
            ]
        )

    def _jacobian(self, x: Floats, values: Floats) -> Floats:
        columns = np.zeros((len(x), len(values)))
        for (model, curve), place, rows in zip(self.pairs, self.places, self.slices):
            columns[rows, place] = _real(derivatives(model.at(values[place]), curve.x))
        return columns

    def part(self, whole: Fit, k: int) -> Fit:
        """Return the joint fit as one curve sees it."""
        (model, curve), place, rows = self.pairs[k], self.places[k], self.slices[k]
        residuals = np.asarray(whole.residuals[rows])
        known = np.isfinite(whole.chi2)
        chi2 = float(residuals @ residuals) if known else float("nan")
        dof = max(len(residuals) - int(np.sum(model.free)), 1)
        names = [self._name(name, k) for name in _names(model)]
        quality = quality_of(residuals, chi2=chi2, dof=dof)
        return replace(
            whole,
            model=model.at(whole.model.values[place]),
            parameters={own: whole.parameters[name] for own, name in zip(_names(model), names)},
            covariance=whole.covariance[np.ix_(place, place)],
            chi2=chi2,
            dof=dof,
            p_value=quality.chi2_p,
            residuals=_complex(residuals) if np.iscomplexobj(curve.y) else residuals,
            at_bound=tuple(
                own for own, name in zip(_names(model), names) if name in whole.at_bound
            ),
        )


def _names(model: Model) -> list[str]:
    return [parameter.name for parameter in model.parameters]


def _real(numbers: Numbers) -> Floats:
    """Return real numbers, the imaginary parts after the real ones."""
    if np.iscomplexobj(numbers):
        return np.concatenate([numbers.real, numbers.imag])
    return np.asarray(numbers, dtype=float)


def _complex(numbers: Floats) -> Numbers:
    half = len(numbers) // 2
    return np.asarray(numbers[:half] + 1j * numbers[half:])


def _errors(curve: Curve) -> Floats:
    errors = np.ones(len(curve)) if curve.y_error is None else curve.y_error
    return np.concatenate([errors, errors]) if np.iscomplexobj(curve.y) else errors


def _weighted(
    pairs: tuple[tuple[Model, Curve], ...], settings: FitSettings
) -> tuple[tuple[Model, Curve], ...]:
    """Return curves whose errors are the scatter of each about its own fit."""
    alone = FitSettings(starts=settings.starts, seed=settings.seed, undetermined="refuse")
    found = []
    for model, curve in pairs:
        own = fit(model, curve, settings=alone)
        scatter = float(np.sqrt(np.sum(np.abs(own.residuals) ** 2) / own.dof))
        size = float(np.max(np.abs(curve.y), initial=0.0)) or 1.0
        # A curve without any scatter, on paper at least, still needs a weight.
        error = max(scatter, 1e-12 * size)
        found.append((model, replace(curve, y_error=np.full(len(curve), error))))
    return tuple(found)
