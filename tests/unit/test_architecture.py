"""A room imports only from rooms to its left; this holds from the first commit."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "vitrolyte"

# Rooms that share a step do not import each other.
STEPS = [
    {"data"},
    {"literature", "matter"},
    {"potentials"},
    {"simulate", "observe"},
    {"infer"},
    {"laboratory"},
    {"study"},
    {"report"},
    {"cli"},
]
STEP = {room: number for number, rooms in enumerate(STEPS) for room in rooms}


def imported_rooms(path: Path) -> set[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the room"
            base = node.module or ""
            names += [f"{base}.{alias.name}" for alias in node.names]
    parts = [name.split(".") for name in names]
    return {part[1] for part in parts if part[0] == "vitrolyte" and len(part) > 1} & set(STEP)


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_every_room_is_known() -> None:
    assert {room_of(path) for path in modules()} <= set(STEP) | {"__main__"}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_left(path: Path) -> None:
    room = room_of(path)
    if room == "__main__":
        return
    for other in imported_rooms(path) - {room}:
        assert STEP[other] < STEP[room], f"{path} ({room}) imports from {other}"


def test_the_rule_can_fail(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text("from vitrolyte.report.page import write\nimport vitrolyte.cli\n")
    assert imported_rooms(wrong) == {"report", "cli"}
