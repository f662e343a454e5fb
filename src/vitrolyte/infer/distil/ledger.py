"""The ledger: which labelled snapshots each finished stage of a distillation brought."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vitrolyte.data.io.files import write_text
from vitrolyte.infer.distil.cache import LabelCache, key_of
from vitrolyte.potentials.teacher import Example

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ledger:
    """Finished stages in a folder, each a list of label keys and phases."""

    folder: Path
    cache: LabelCache

    def holds(self, stage: str) -> bool:
        """Say whether a stage was finished before."""
        return (self.folder / f"{stage}.json").is_file()

    def once(self, stage: str, work: Callable[[], list[Example]]) -> list[Example]:
        """Return a stage's examples: read them if it was finished before, else do the work."""
        path = self.folder / f"{stage}.json"
        if path.is_file():
            entries = json.loads(path.read_text(encoding="utf-8"))
            return [self.cache.read(key, phase) for key, phase in entries]
        examples = work()
        entries = [(key_of(example.snapshot), example.phase) for example in examples]
        write_text(path, json.dumps(entries, indent=0))
        log.info("%s: %d examples", stage, len(examples))
        return examples
