"""The report in a real browser without a network: it opens, draws, sorts, filters and turns."""

from __future__ import annotations

import csv
import json
import math
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.origin import Origin
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.trajectory import Trajectory, structure
from vitrolyte.literature.table import query
from vitrolyte.report.model import Coordination, model_view
from vitrolyte.report.page import FigureSection, Page, TableSection, write_report
from vitrolyte.report.verdict import verdict
from vitrolyte.study.comparison import compare

GLASS = Sample("antiperovskite glass", "Li3OCl", "glass")
CRYSTAL = Sample("antiperovskite", "Li3OCl", "crystal")
EVIL = '<img src=x onerror="document.title=1"><script>document.title="broken"</script>'
SIZE_LIMIT = 4_000_000
PACKAGES = {"chromedriver": "chromium-driver"}


def rows() -> tuple[Observation, ...]:
    """Invented numbers: only how they are shown is tested here."""
    cold, hot = replace(GLASS, temperature_K=300.0), replace(GLASS, temperature_K=700.0)
    far = "extrapolated from 600-900 K"
    wide = Quantity(2.1e-3, "S/cm", low=4e-4, high=9e-3, status="provisional", note=far)
    tracer, charge = "tracer (Nernst-Einstein)", "collective"
    normal = Quantity.normal
    return (
        computed(cold, "volume_expansion", normal(0.142, 0.006, "1")),
        computed(cold, "density", normal(1.763, 0.008, "g/cm³")),
        computed(GLASS, "activation_energy", normal(0.40, 0.03, "eV"), method=tracer),
        computed(GLASS, "activation_energy", normal(0.31, 0.04, "eV"), method=charge),
        computed(cold, "ionic_conductivity", wide, method=charge),
        computed(cold, "ionic_conductivity", wide.scaled(0.1, "S/cm"), of="Li", method=tracer),
        computed(
            cold,
            "ionic_conductivity",
            Quantity.refused("S/cm", "the mean Cl ion moved 0.8 Å, less than one hop of 3 Å"),
            of="Cl",
            method=tracer,
        ),
        computed(hot, "ionic_conductivity", normal(0.21, 0.02, "S/cm"), method=tracer),
        computed(hot, "tracer_diffusivity", normal(1.9e-6, 2e-7, "cm²/s"), of="Li"),
        computed(hot, "haven_ratio", normal(0.61, 0.11, "1")),
        computed(cold, "transference_number", normal(0.9, 0.05, "1"), of="Li", method=charge),
        computed(cold, "coordination_number", normal(3.4, 0.1, "1"), of="O-Li"),
        replace(computed(cold, "bond_length", normal(1.94, 0.01, "Å"), of="Li-O"), note=EVIL),
        computed(
            replace(CRYSTAL, temperature_K=300.0), "lattice_parameter", normal(3.9, 0.004, "Å")
        ),
        computed(CRYSTAL, "activation_energy", normal(0.30, 0.02, "eV"), of="Li", method=tracer),
    )


def figures() -> tuple[FigureSection, ...]:
    rng = np.random.default_rng(5)
    r = np.linspace(0.05, 9.0, 300)
    axes = Axis("r", "Å"), Axis("g(r)", "")
    pairs = []
    for label, first in (("Li-O", 1.95), ("Li-Cl", 2.45), ("O-O", 3.9), ("Cl-Cl", 3.8)):
        peak = 3.0 * np.exp(-((r - first) ** 2) / 0.04)
        g = (1.0 + peak) / (1.0 + np.exp(-(r - first) / 0.08))
        pairs.append(Curve(r, g, *axes, 0.05 * g, label=label))
    t = np.geomspace(0.1, 300.0, 60)
    msd_axes = Axis("lag time", "ps"), Axis("mean square displacement", "Å²")
    msd = [
        Curve(t, a + b * t, *msd_axes, 0.03 * (a + b * t) * np.sqrt(t), label=label)
        for label, a, b in (("Li", 0.4, 0.12), ("Cl", 0.3, 0.02), ("O", 0.2, 0.0))
    ]
    kelvin = np.array([600.0, 700.0, 800.0, 900.0])
    sigma = 80.0 * np.exp(-0.4 / (8.617e-5 * kelvin))
    arrhenius_axes = Axis("1000/T", "1/K"), Axis("conductivity", "S/cm")
    x = np.linspace(1.0, 3.4, 60)
    line = 80.0 * np.exp(-0.4 * x / 8.617e-2)
    arrhenius = (
        Curve(1e3 / kelvin, sigma, *arrhenius_axes, 0.1 * sigma, label="tracer"),
        Curve(x, line, *arrhenius_axes, line * 0.1 * (x - 0.9), label="Arrhenius line"),
        Curve(np.array([3.33, 3.33]), np.array([1e-3, 1e-2]), *arrhenius_axes, label="Heenen 2019"),
    )
    hot = np.linspace(300.0, 1500.0, 200)
    volume = Curve(
        hot,
        70.0 + 0.008 * hot + 0.01 * np.maximum(0, hot - 620) + rng.normal(0, 0.15, 200),
        Axis("temperature", "K"),
        Axis("volume per formula unit", "Å³"),
        label="quench",
    )
    w = np.geomspace(1e-1, 1e6, 60)
    z = 50.0 + 400.0 / (1.0 + 1j * w * 400.0 * 1e-6)
    nyquist = Curve(w, z, Axis("frequency", "Hz"), Axis("Z", "ohm"), label="pellet")
    return (
        FigureSection(CurveSet("Pair distribution of the glass", tuple(pairs)), "Partial g(r)."),
        FigureSection(CurveSet("Volume along the quench", (volume,)), "Cooling at 10 K/ps."),
        FigureSection(
            CurveSet(
                "Mean square displacement at 700 K", tuple(msd), log_x=True, log_y=True,
                window=(20.0, 150.0),
            ),
            "Time origins over the whole run.",
        ),
        FigureSection(
            CurveSet("Arrhenius", arrhenius, log_y=True, points=("tracer", "Heenen 2019")),
            "Published points beside the computed ones.",
        ),
        FigureSection(CurveSet("Impedance", (nyquist,))),
    )  # fmt: skip


def glass() -> Trajectory:
    """A jittered triclinic antiperovskite of 320 atoms."""
    rng = np.random.default_rng(1)
    motif = np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    cells = np.array(list(np.ndindex(4, 4, 4)))
    fractional = (cells[:, None] + motif[None]).reshape(-1, 3) / 4.0
    cell = np.array([[16.0, 0.0, 0.0], [0.6, 16.2, 0.0], [0.4, -0.5, 16.1]])
    species = ("Cl", "O", "Li", "Li", "Li") * 64
    return structure(species, fractional @ cell + rng.normal(0.0, 0.35, (320, 3)), cell)


def sample_page() -> Page:
    numbers = rows()
    pairs = compare(numbers, query(formula="Li3OCl"))
    card = TableSection(
        "The potential",
        ("figure", "of", "value", "limit", "within"),
        (
            ("force error", "glass", "62 meV/Å", "100 meV/Å", "yes"),
            ("density", "", EVIL, "2 %", "no"),
        ),
        "Against the teacher, on frames it was not trained on.",
    )
    return Page(
        title="Li3OCl glass",
        subtitle="From the antiperovskite crystal by melt and quench; profile quick, one replica.",
        verdict=verdict(pairs, numbers),
        comparisons=pairs,
        observations=numbers,
        figures=figures(),
        model=model_view(glass(), Coordination("O", "Li", 2.9), caption="The glass at 300 K."),
        tables=(card,),
        citations=("Heenen 2019, J. Phys. Chem. Lett.", EVIL),
        origins=(Origin("melt/1", {"temperature_K": 1500.0, "note": EVIL}, {}, seed=1),),
        warnings=("One replica: no spread between replicas is known.", EVIL),
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(path, sample_page())
    return path


def program(name: str) -> str:
    found = shutil.which(name)
    package = PACKAGES.get(name, name)
    assert found, f"{name} is needed to open the report; install it: apt-get install {package}"
    return found


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    options = ChromeOptions()
    options.binary_location = program("chromium")
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--use-angle=swiftshader",
        "--enable-unsafe-swiftshader",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--force-prefers-reduced-motion",
        f"--user-data-dir={tmp_path_factory.mktemp('profile')}",
        "--window-size=1280,900",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=ChromeService(program("chromedriver")))
    yield driver
    driver.quit()


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 30.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.1)
    raise AssertionError(f"waited {seconds} s for {what}")


class Opened:
    """The report in the browser, and what the browser noted while opening it."""

    def __init__(self, driver: Chrome, path: Path) -> None:
        self.driver = driver
        driver.get("about:blank")
        driver.get_log("performance")
        driver.get(path.as_uri())
        wait_for(lambda: self.run("return document.documentElement.dataset.ready"), "the script")
        self.console = driver.get_log("browser")
        self.network = [json.loads(e["message"])["message"] for e in driver.get_log("performance")]

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def all(self, selector: str) -> list[Any]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def column(self, table: str, number: int) -> list[str]:
        return self.run(
            "return Array.from(document.getElementById(arguments[0]).tBodies[0].rows)"
            ".filter(row => !row.hidden).map(row => row.cells[arguments[1]].dataset.sort)",
            table,
            number,
        )


@pytest.fixture(scope="module")
def opened(browser: Chrome, report: Path) -> Opened:
    return Opened(browser, report)


def test_a_missing_browser_says_what_to_install() -> None:
    with pytest.raises(AssertionError, match="apt-get install no-such-browser"):
        program("no-such-browser")


def test_one_file_of_bounded_size_without_any_address_to_load(report: Path) -> None:
    text = report.read_text(encoding="utf-8")
    assert report.stat().st_size < SIZE_LIMIT
    assert 'src="' not in text.split("<script>")[0]
    assert "<link" not in text.split("<script>")[0]


def test_opens_without_console_errors(opened: Opened) -> None:
    assert [entry for entry in opened.console if entry["level"] == "SEVERE"] == []


def test_asks_nothing_of_the_network(opened: Opened) -> None:
    sent = [n["params"] for n in opened.network if n["method"] == "Network.requestWillBeSent"]
    urls = [request["request"]["url"] for request in sent]
    assert any(url.startswith("file:") for url in urls), "the browser noted no request at all"
    assert [url for url in urls if not url.startswith(("file:", "data:", "blob:"))] == []


def test_foreign_text_is_shown_and_not_run(opened: Opened) -> None:
    assert opened.driver.title == "Li3OCl glass · Vitrolyte"
    assert opened.all("main img") == []
    for place in (".warning", "#table-0", "#citations", "#observations"):
        assert EVIL in opened.run("return document.querySelector(arguments[0]).textContent", place)


def test_every_plot_is_drawn_with_all_its_curves(opened: Opened) -> None:
    plots = opened.all(".plot")
    assert len(plots) == len(figures())
    for plot, section in zip(plots, figures(), strict=True):
        assert plot.find_elements(By.CSS_SELECTOR, "svg.main-svg")
        drawn = opened.run(
            "return Array.from(arguments[0].querySelectorAll('.trace'))"
            ".filter(t => t.querySelector('.js-line, .point')).length",
            plot,
        )
        assert drawn >= len(section.curves.curves)
        titles = opened.run(
            "return Array.from(arguments[0].querySelectorAll('.xtitle, .ytitle'))"
            ".map(t => t.textContent)",
            plot,
        )
        first = section.curves.curves[0]
        for axis in (first.x_axis, first.y_axis):
            complex_part = np.iscomplexobj(first.y) and axis is first.x_axis
            assert complex_part or any(axis.unit in title for title in titles)


def test_the_slope_window_is_shaded(opened: Opened) -> None:
    windows = [bool(section.curves.window) for section in figures()]
    shaded = [len(plot.find_elements(By.CSS_SELECTOR, ".shapelayer path")) for plot in
              opened.all(".plot")]  # fmt: skip
    assert [number > 0 for number in shaded] == windows


def test_a_click_sorts_and_a_second_one_turns_round(opened: Opened) -> None:
    button = opened.all("#observations th button")[3]
    opened.run("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", button)
    button.click()
    rising = [float(key) for key in opened.column("observations", 3) if key]
    assert rising == sorted(rising)
    assert len(rising) == sum(row.value is not None for row in rows())
    assert opened.column("observations", 3)[-1] == "", "rows without a value stay last"
    button.send_keys("\n")
    falling = [float(key) for key in opened.column("observations", 3) if key]
    assert falling == rising[::-1]
    heads = opened.all("#observations th")
    assert heads[3].get_attribute("aria-sort") == "descending"


def test_words_and_chips_filter(opened: Opened) -> None:
    controls = opened.all("[data-for=comparisons]")[0]
    every = len(opened.column("comparisons", 0))
    search = controls.find_element(By.CSS_SELECTOR, "input")
    search.send_keys("lattice 3.91")
    assert len(opened.column("comparisons", 0)) == 1
    search.send_keys("\ue003" * len("lattice 3.91"))
    chips = {c.text: c for c in controls.find_elements(By.CSS_SELECTOR, ".filter")}
    chips["disagrees"].click()
    chips["glass"].click()
    pairs = compare(rows(), query(formula="Li3OCl"))
    wanted = sum(p.verdict == "disagrees" and p.row.phase == "glass" for p in pairs)
    assert len(opened.column("comparisons", 0)) == wanted > 0
    assert f"{wanted} of {every}" in controls.find_element(By.CSS_SELECTOR, ".count").text
    chips["disagrees"].click()
    chips["glass"].click()
    assert len(opened.column("comparisons", 0)) == every


def test_the_table_can_be_downloaded(opened: Opened, tmp_path: Path) -> None:
    where = {"behavior": "allow", "downloadPath": str(tmp_path)}
    opened.driver.execute_cdp_cmd("Browser.setDownloadBehavior", where)
    opened.run("document.querySelector('[data-for=observations] .download').click()")
    file = tmp_path / "observations.csv"
    wait_for(file.exists, "the download")
    table = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    assert [row["quantity"] for row in table] == [row.quantity for row in rows()]
    assert [float(r["value"] or "nan") for r in table] == pytest.approx(
        [math.nan if row.value is None else row.value for row in rows()], nan_ok=True
    )


BLUE_PIXELS = """
const source = document.querySelector('#model-view canvas');
const copy = document.createElement('canvas');
[copy.width, copy.height] = [source.width, source.height];
const context = copy.getContext('2d');
context.drawImage(source, 0, 0);
const d = context.getImageData(0, 0, copy.width, copy.height).data;
let blue = 0;
for (let i = 0; i < d.length; i += 4) blue += d[i + 2] > d[i] + 50 && d[i + 2] > d[i + 1] + 30;
return blue;
"""


def test_the_view_holds_the_atoms_and_hides_a_species(opened: Opened) -> None:
    view = opened.all("#model-view")[0]
    opened.run("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", view)
    assert int(view.get_attribute("data-atoms")) == glass().n_atoms
    assert opened.run(BLUE_PIXELS) > 1000, "lithium is drawn in blue"
    box = opened.all("[data-show=Li]")[0]
    box.click()
    wait_for(lambda: opened.run(BLUE_PIXELS) < 100, "lithium to vanish")
    box.click()
    wait_for(lambda: opened.run(BLUE_PIXELS) > 1000, "lithium to come back")


def test_fits_a_telephone(opened: Opened) -> None:
    small = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    opened.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", small)
    try:
        widths = opened.run(
            "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert widths[0] <= widths[1]
    finally:
        opened.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
