"use strict";
(() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const palettes = {
    light: ["#0072B2", "#D55E00", "#009E73", "#B4608F", "#B07700", "#2F8FC4", "#6b6b6b"],
    dark: ["#56B4E9", "#FF9D5C", "#3CCB9F", "#E2A0C6", "#F0C35C", "#9CC9F5", "#b5b5b5"],
  };
  const elementColours = { Li: "#4C9BE0", O: "#D55E00", Cl: "#00A37A", Br: "#A0522D", I: "#7B3FA0",
    F: "#8FD14F", S: "#E6B800", P: "#E07BB0", Na: "#7A68D8", K: "#5B4BB7", H: "#C9CED4",
    Zr: "#4F8A8B", Al: "#8C96A3", Ta: "#6C7A89", Ba: "#3E7D3E" };
  // Effective ionic radii of Shannon (1976), 10.1107/S0567739476001551, six-fold, in Å, drawn at
  // 0.45 of their size; other elements are drawn as if of 1 Å.
  const radii = { Li: 0.76, O: 1.40, Cl: 1.81, Br: 1.96, I: 2.20, F: 1.33, S: 1.84, Na: 1.02,
    K: 1.38, P: 0.38, Zr: 0.72, Al: 0.535, Ta: 0.64, Ba: 1.35 };

  const data = (id) => JSON.parse(document.getElementById(id).textContent);
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const make = (name, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  };

  // ---- plots -------------------------------------------------------------------------------
  function rgba(hex, alpha) {
    const n = parseInt(hex.slice(1), 16);
    return `rgba(${n >> 16},${(n >> 8) & 255},${n & 255},${alpha})`;
  }

  function trace(spec, colours) {
    const colour = colours[spec.slot % colours.length];
    const base = { x: spec.x, y: spec.y, name: spec.name, type: "scatter", legendgroup: spec.name };
    if (spec.mode === "band") {
      return { ...base, mode: "lines", line: { width: 0 }, hoverinfo: "skip", showlegend: false,
        fill: spec.edge === "high" ? "tonexty" : "none", fillcolor: rgba(colour, 0.2) };
    }
    const drawn = { ...base, mode: spec.mode, hovertemplate: "%{x:.4~g}, %{y:.4~g}",
      line: { color: colour, width: 2, dash: spec.dash },
      marker: { color: colour, size: 8, symbol: spec.symbol } };
    if (spec.error) {
      drawn.error_y = { type: "data", array: spec.error.up, arrayminus: spec.error.down,
        color: colour, thickness: 1.3, width: 4 };
    }
    return drawn;
  }

  // Decades shown by a log axis: all lines and points, and bands as far as a decade beyond them.
  function decades(spec, key) {
    const logs = (traces) => traces.flatMap((t) => t[key]).filter((v) => v > 0).map(Math.log10);
    const ends = (values) => [values.reduce((a, b) => Math.min(a, b), Infinity), values.reduce((a, b) => Math.max(a, b), -Infinity)];
    const lines = logs(spec.traces.filter((t) => t.mode !== "band"));
    if (!lines.length) return [0, 1];
    const [low, high] = ends(lines);
    return ends(lines.concat(logs(spec.traces).filter((v) => v > low - 1 && v < high + 1)));
  }

  function axis(spec, ends) {
    const log = spec.log ? { range: [ends[0] - 0.15, ends[1] + 0.15], dtick: ends[1] - ends[0] > 1.2 ? 1 : "D2" } : {};
    return { ...log, title: { text: spec.label, font: { size: 14 }, standoff: 8 }, type: spec.log ? "log" : "linear",
      exponentformat: "power", showexponent: "all", automargin: true, zeroline: false,
      showline: true, linecolor: css("--soft"), gridcolor: css("--line"), ticks: "outside",
      tickcolor: css("--soft"), minexponent: 4 };
  }

  function layout(spec) {
    const named = spec.traces.filter((t) => t.mode !== "band").length;
    const result = { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: css("--sans"), size: 13, color: css("--ink") },
      margin: { l: 62, r: 14, t: 10, b: 52 }, xaxis: axis(spec.x, decades(spec, "x")), yaxis: axis(spec.y, decades(spec, "y")),
      showlegend: named > 1, hovermode: "closest",
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { size: 12 } },
      hoverlabel: { bgcolor: css("--raised"), bordercolor: css("--line"), font: { color: css("--ink") } } };
    if (spec.equal) { result.yaxis.scaleanchor = "x"; result.yaxis.constrain = "domain"; }
    if (spec.window) {
      result.shapes = [{ type: "rect", xref: "x", yref: "paper", x0: spec.window[0], x1: spec.window[1],
        y0: 0, y1: 1, fillcolor: rgba(dark.matches ? "#f0c35c" : "#b07700", 0.13), line: { width: 0 }, layer: "below" }];
    }
    return result;
  }

  function drawPlots() {
    const figures = data("figures-data");
    const colours = palettes[dark.matches ? "dark" : "light"];
    for (const element of document.querySelectorAll(".plot")) {
      const spec = figures[Number(element.dataset.figure)];
      const config = { displaylogo: false, responsive: true, displayModeBar: true,
        modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
        toImageButtonOptions: { format: "svg", filename: spec.title } };
      window.Plotly.react(element, spec.traces.map((t) => trace(t, colours)), layout(spec), config);
    }
  }

  // ---- tables ------------------------------------------------------------------------------
  function compare(a, b) {
    const [x, y] = [a.dataset.sort, b.dataset.sort];
    if (x === "" || y === "") return (x === "") - (y === "") || 0;
    const [m, n] = [Number(x), Number(y)];
    return Number.isNaN(m) || Number.isNaN(n) ? x.localeCompare(y, "en") : m - n;
  }

  function sortBy(table, column, direction) {
    const body = table.tBodies[0];
    const sign = direction === "ascending" ? 1 : -1;
    const rows = Array.from(body.rows);
    rows.sort((a, b) => {
      const [x, y] = [a.cells[column], b.cells[column]];
      const empty = (x.dataset.sort === "") - (y.dataset.sort === "");
      return empty || sign * compare(x, y);
    });
    body.append(...rows);
    Array.from(table.tHead.rows[0].cells).forEach((head, index) => {
      head.setAttribute("aria-sort", index === column ? direction : "none");
    });
  }

  function filterRows(table, controls) {
    const words = controls.querySelector("input[type=search]").value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = {};
    for (const chip of controls.querySelectorAll(".filter[aria-pressed=true]")) {
      (chosen[chip.dataset.key] ??= new Set()).add(chip.dataset.value);
    }
    let shown = 0;
    for (const row of table.tBodies[0].rows) {
      const text = row.textContent.toLowerCase();
      const fits = words.every((word) => text.includes(word))
        && Object.entries(chosen).every(([key, values]) => values.has(row.dataset[key]));
      row.hidden = !fits;
      shown += fits;
    }
    controls.querySelector(".count").textContent = `${shown} of ${table.tBodies[0].rows.length} rows`;
  }

  function download(name) {
    const blob = new Blob([data("csv-data")[name]], { type: "text/csv;charset=utf-8" });
    const link = make("a", { href: URL.createObjectURL(blob), download: `${name}.csv` });
    link.click();
    URL.revokeObjectURL(link.href);
  }

  function wireTable(controls) {
    const table = document.getElementById(controls.dataset.for);
    const heads = Array.from(table.tHead.rows[0].cells);
    const order = controls.querySelector("select");
    order.append(make("option", { value: "", textContent: "Sort by …" }));
    heads.forEach((head, column) => {
      order.append(make("option", { value: String(column), textContent: head.textContent }));
      head.querySelector("button").addEventListener("click", () => {
        sortBy(table, column, head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending");
      });
    });
    order.addEventListener("change", () => order.value && sortBy(table, Number(order.value), "ascending"));
    controls.querySelector("input").addEventListener("input", () => filterRows(table, controls));
    for (const chip of controls.querySelectorAll(".filter")) {
      chip.addEventListener("click", () => {
        chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
        filterRows(table, controls);
      });
    }
    controls.querySelector(".download").addEventListener("click", () => download(controls.dataset.for));
    filterRows(table, controls);
  }

  // ---- structure ---------------------------------------------------------------------------
  const point = (values, i) => ({ x: values[3 * i], y: values[3 * i + 1], z: values[3 * i + 2] });

  function drawCell(viewer, cell) {
    const corner = (i, j, k) => ({
      x: i * cell[0][0] + j * cell[1][0] + k * cell[2][0],
      y: i * cell[0][1] + j * cell[1][1] + k * cell[2][1],
      z: i * cell[0][2] + j * cell[1][2] + k * cell[2][2] });
    for (const [a, b] of [[0, 0], [0, 1], [1, 0], [1, 1]]) {
      const edges = [[corner(0, a, b), corner(1, a, b)], [corner(a, 0, b), corner(a, 1, b)], [corner(a, b, 0), corner(a, b, 1)]];
      for (const [start, end] of edges) {
        viewer.addCylinder({ start, end, radius: 0.06, color: dark.matches ? "#a3adb8" : "#566270", fromCap: 1, toCap: 1 });
      }
    }
  }

  function drawPolyhedra(viewer, triangles, colour) {
    const vertexArr = [], normalArr = [], faceArr = [];
    for (let i = 0; i < triangles.length / 3; i += 3) {
      const [a, b, c] = [point(triangles, i), point(triangles, i + 1), point(triangles, i + 2)];
      const u = [b.x - a.x, b.y - a.y, b.z - a.z], v = [c.x - a.x, c.y - a.y, c.z - a.z];
      const n = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
      const size = Math.hypot(...n) || 1;
      const normal = { x: n[0] / size, y: n[1] / size, z: n[2] / size };
      faceArr.push(vertexArr.length, vertexArr.length + 1, vertexArr.length + 2);
      vertexArr.push(a, b, c);
      normalArr.push(normal, normal, normal);
    }
    if (!vertexArr.length) return;
    viewer.addCustom({ vertexArr, normalArr, faceArr, color: colour, opacity: 0.45 });
    viewer.addCustom({ vertexArr, normalArr, faceArr, color: colour, wireframe: true, linewidth: 1 });
  }

  function readDensity(density) {
    const volume = new window.$3Dmol.VolumeData(density.cube.trimEnd(), "cube");
    return { volume, highest: volume.data.reduce((most, value) => (value > most ? value : most), 0) };
  }

  function drawModel() {
    const place = document.getElementById("model-view");
    if (!place) return;
    const model = data("model-data");
    const kinds = Array.from(new Set(model.species)).sort();
    const spare = palettes.light;
    const colour = (kind) => elementColours[kind] ?? spare[kinds.indexOf(kind) % spare.length];
    let viewer;
    try {
      viewer = window.$3Dmol.createViewer(place, { backgroundColor: css("--raised"), antialias: true });
      if (!viewer) throw new Error("no WebGL");
    } catch (fault) {
      place.append(make("p", { className: "failure", textContent: `The view needs WebGL in this browser (${fault.message}).` }));
      return;
    }
    const atoms = viewer.addModel();
    atoms.addAtoms(model.species.map((elem, i) => ({ elem, ...point(model.positions, i), serial: i, bonds: [], bondOrder: [] })));
    const density = model.density && readDensity(model.density);
    const shown = { cell: true, polyhedra: model.triangles.length > 0 && !density, density: Boolean(density) };
    let level = density ? model.density.level : 0;
    kinds.forEach((kind) => { shown[kind] = true; });

    function redraw() {
      viewer.setBackgroundColor(css("--raised"), 1);
      for (const kind of kinds) {
        const style = shown[kind] ? { sphere: { radius: 0.45 * (radii[kind] ?? 1.0), color: colour(kind) } } : {};
        viewer.setStyle({ elem: kind }, style);
      }
      viewer.removeAllShapes();
      if (shown.cell) drawCell(viewer, model.cell);
      if (shown.polyhedra) drawPolyhedra(viewer, model.triangles, colour(model.centre));
      if (shown.density) viewer.addIsosurface(density.volume, { isoval: level * density.highest, color: colour(model.density.species), opacity: 0.6, smoothness: 2 });
      viewer.render();
    }

    function levelSlider() {
      const slider = make("input", { type: "range", min: "0.5", max: "4", step: "0.05", value: String(-Math.log10(level)) });
      const said = make("span", { textContent: `at ${(100 * level).toPrecision(2)} % of its highest value` });
      slider.setAttribute("aria-label", "Level of the density surface");
      slider.addEventListener("input", () => {
        level = 10 ** -Number(slider.value);
        said.textContent = `at ${(100 * level).toPrecision(2)} % of its highest value`;
      });
      slider.addEventListener("change", redraw);
      return make("label", {}, slider, said);
    }

    function toggle(key, text, swatch) {
      const box = make("input", { type: "checkbox", checked: shown[key] });
      box.dataset.show = key;
      box.addEventListener("change", () => { shown[key] = box.checked; redraw(); });
      return make("label", {}, box, swatch, text);
    }
    const dot = (name, background) => {
      const swatch = make("span", { className: `swatch ${name}` });
      if (background) swatch.style.background = background;
      return swatch;
    };
    const legend = document.querySelector(".species");
    kinds.forEach((kind) => legend.append(toggle(kind, kind, dot("", colour(kind)))));
    if (model.triangles.length) legend.append(toggle("polyhedra", `${model.centre}${model.ligand} polyhedra`, dot("square", rgba(colour(model.centre), 0.55))));
    if (density) legend.append(toggle("density", `${model.density.species} density`, dot("square", rgba(colour(model.density.species), 0.6))), levelSlider());
    legend.append(toggle("cell", "cell", dot("frame")));

    const turns = { left: [-15, "y"], right: [15, "y"], up: [-15, "x"], down: [15, "x"] };
    function start() { viewer.zoomTo(); viewer.rotate(20, "y"); viewer.rotate(12, "x"); viewer.zoom(place.clientWidth > place.clientHeight * 1.3 ? 1.25 : 0.95); viewer.render(); }
    for (const button of document.querySelectorAll("[data-turn]")) {
      button.addEventListener("click", () => {
        const turn = turns[button.dataset.turn];
        if (turn) viewer.rotate(...turn); else { viewer.setView([0, 0, 0, 0, 0, 0, 0, 1]); start(); }
      });
    }
    redraw();
    start();
    new ResizeObserver(() => { viewer.resize(); viewer.render(); }).observe(place);
    dark.addEventListener("change", redraw);
    place.dataset.atoms = String(atoms.selectedAtoms({}).length);
  }

  for (const controls of document.querySelectorAll(".controls[data-for]")) wireTable(controls);
  if (document.querySelector(".plot")) {
    drawPlots();
    dark.addEventListener("change", drawPlots);
  }
  drawModel();
  document.documentElement.dataset.ready = "true";
})();
