"""The shortest distillation file, for the tests that change a line of it."""

from pathlib import Path

from vitrolyte.infer.distil.config import DistilSettings, read_settings
from vitrolyte.infer.distil.defaults import completed

SHORT = """
name = "short"
elements = ["Li", "O", "Cl"]
compositions = ["Li3OCl"]
explorer = "7net-0"
teacher = "7net-l3i5"
"""


def written(folder: Path, text: str) -> Path:
    """Write a distillation file."""
    path = folder / "short.toml"
    path.write_text(text, encoding="utf-8")
    return path


def read(folder: Path, text: str) -> DistilSettings:
    """Write a distillation file, read it and fill it in."""
    return completed(read_settings(written(folder, text)))
