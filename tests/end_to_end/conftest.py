"""One tiny study, killed three times on its way, for all tests that look at a result."""

import random
from pathlib import Path

import pytest
from study_runs import check_untouched, finished_stages, kill_after, run


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run the tiny study, killing it three times on the way, and return its folder."""
    out = tmp_path_factory.mktemp("study") / "tiny"
    seen: dict[str, int] = {}
    pause = random.Random(20261121)
    for _ in range(3):
        kill_after(out, pause.uniform(3.0, 9.0))
        check_untouched(out, seen)
        seen = finished_stages(out)
    last = run(out)
    assert last.returncode == 0, last.stderr
    check_untouched(out, seen)
    return out, last.stdout
