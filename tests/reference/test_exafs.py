"""Published EXAFS figures of an oxyhalide glass, from the same bond lengths through FEFF8L.

``exafs/zr-*.dat``: the single-scattering path of an octahedron of O at 2.07 Å and of Cl at 2.49 Å
round Zr, K edge, as FEFF8L (xraylarch 2026.3.1) wrote it.
"""

from pathlib import Path

import numpy as np
import pytest

from vitrolyte.data.io.feff import read_path
from vitrolyte.observe.exafs.paths import Shell, model_curve, path_model
from vitrolyte.observe.exafs.transforms import Transform, cauchy_wavelet, fourier

HERE = Path(__file__).parent / "exafs"

# Zhang et al., J. Am. Chem. Soc. 2024, Li3ZrCl4O1.5 (literature rows F0077, F0079 to F0081):
# fitted bond lengths, and the peaks of the wavelet transform with k³ weighting, not phase
# corrected, printed as "~ 1.5, 2" Å: to the half or tenth of an ångström.
PUBLISHED = [("o", 2.07, 1.5), ("cl", 2.49, 2.0)]


@pytest.mark.parametrize(("scatterer", "bond", "peak"), PUBLISHED)
def test_uncorrected_peaks_stand_where_they_were_published(scatterer, bond, peak):
    path = read_path(HERE / f"zr-{scatterer}-feff0001.dat")
    assert path.reference_A == pytest.approx(bond, abs=1e-3)
    shell = Shell(path, number=6, sigma2_A2=0.006)
    chi = model_curve(path_model((shell,)), np.arange(1, 300) * 0.05)
    transform = fourier(chi, Transform(3, 12, weight=3))
    assert transform.x[np.abs(transform.y).argmax()] == pytest.approx(peak, abs=0.1)
    wavelet = cauchy_wavelet(chi, weight=3)
    row, _ = np.unravel_index(np.abs(wavelet.values).argmax(), wavelet.values.shape)
    assert wavelet.r[row] == pytest.approx(peak, abs=0.1)


def test_chlorine_scatters_at_higher_k_than_oxygen():
    """The heavier scatterer peaks at higher k: what a wavelet transform is made to show."""
    middles = []
    for scatterer in ("o", "cl"):
        path = read_path(HERE / f"zr-{scatterer}-feff0001.dat")
        model = path_model((Shell(path, number=6, sigma2_A2=0.006),))
        chi = model_curve(model, np.arange(1, 300) * 0.05)
        size = np.abs(cauchy_wavelet(chi, weight=3, order=60).values)
        middles.append(size.max(axis=0).argmax())
    assert middles[1] > middles[0]
