"""What steps that read a spectrometer's folders have in common."""

from __future__ import annotations

from collections.abc import Mapping

from vitrolyte.data.io.files import file_digest
from vitrolyte.data.io.instruments.nmr.reading import files_behind
from vitrolyte.study.recipes.laboratory.measured import MeasuredSettings
from vitrolyte.study.settings import SampleSettings


class SpectrometerSettings(MeasuredSettings):
    """Files or folders of a spectrometer, whose parameters lie beside the data."""

    def fingerprint(self, study: SampleSettings) -> Mapping[str, str]:
        """Return the digests of data and parameters."""
        del study
        return {
            f"sha256.{number}.{part}": file_digest(one)
            for number, path in enumerate(self.files)
            for part, one in enumerate(files_behind(path))
        }
