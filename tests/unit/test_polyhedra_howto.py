"""The code of the how-to page runs and says what its comments say."""

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "polyhedra.md"


def test_the_code_of_the_page():
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert "Al-O 2.61 Å" in said.stdout
    assert "value=0.692" in said.stdout
    assert "a-a-a-" in said.stdout
