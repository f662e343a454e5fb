"""The study that fits measured files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vitrolyte.data.io.settings import validated
from vitrolyte.study.measured import UNNAMED, recipe_of
from vitrolyte.study.settings import StudySettings


def fit_study(kind: str, plain: Mapping[str, Any]) -> StudySettings:
    """Return the study that fits measured files.

    Parameters
    ----------
    kind
        Of the measurement.
    plain
        ``files``, the settings of the kind, and ``formula`` and ``material`` where they are known.

    Raises
    ------
    InputError
        If there is no such kind, or a setting is wrong.
    """
    step = {key: value for key, value in plain.items() if value is not None}
    formula = str(step.pop("formula", UNNAMED))
    material = str(step.pop("material", formula))
    files = [Path(path) for path in step["files"]]
    several = f" and {len(files) - 1} more" if len(files) > 1 else ""
    study = {
        "name": _slug(kind, files),
        "title": f"What {files[0].name}{several} shows",
        "profile": "fit",
        "sample": {"formula": formula, "material": material},
        "steps": {kind: {"recipe": recipe_of(kind), **step, "files": [str(p) for p in files]}},
    }
    return validated(StudySettings, study, where="fit")


def _slug(kind: str, files: Sequence[Path]) -> str:
    more = f"-and-{len(files) - 1}-more" if len(files) > 1 else ""
    return re.sub(r"[^a-z0-9._-]+", "-", f"{kind}-{files[0].name}{more}".lower())[:60].strip("-._")
