// The charts of the page. Each is made when it is first seen, and those of a series zoom together.
(() => {
  "use strict";

  const HEIGHT = 260;
  const DASHES = [[[], "solid"], [[7, 4], "dashed"], [[2, 3], "dotted"]];
  const COLOURS = 10;
  const UNITS = [[86400, "days"], [3600, "hours"], [60, "minutes"], [1, "seconds"]];

  const data = JSON.parse(document.getElementById("data").textContent);
  const shown = data.tags.map(() => true);
  const charts = [];
  const legend = document.getElementById("legend");

  const dashes = (curve) => DASHES[Math.floor(curve.experiment / COLOURS) % DASHES.length];
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function tick(value) {
    if (value == null) return "";
    const size = Math.abs(value);
    if (size !== 0 && (size >= 1e6 || size < 1e-4)) return String(Number(value.toPrecision(6)).toExponential());
    return String(Number(value.toPrecision(10)));
  }

  function axis(own) {
    const line = { stroke: colour("--line"), width: 1 };
    return { stroke: colour("--quiet"), font: "12px system-ui, sans-serif", grid: line, ticks: { ...line, size: 4 }, ...own };
  }

  // As wide as its longest number.
  function width(chart, values) {
    const longest = (values || []).reduce((most, each) => Math.max(most, (each || "").length), 3);
    return 16 + 7 * longest;
  }

  // The pieces of a curve between its holes, each by its first and last place.
  function runs(ys) {
    const found = [];
    let first = -1, last = -1;
    for (let at = 0; at <= ys.length; at++) {
      const isHole = at === ys.length || ys[at] === null;
      if (isHole && first >= 0) found.push([first, last]);
      if (isHole) first = -1;
      else if (ys[at] !== undefined) {
        if (first < 0) first = at;
        last = at;
      }
    }
    return found;
  }

  // A piece that is narrower than the line is wide would not be seen, so its values are drawn as points: of those
  // on one pixel the lowest and the highest.
  function specks(chart, pieces, x, ys) {
    const { min, max } = chart.scales.x;
    const perUnit = chart.bbox.width / (max - min);
    const found = [];
    let pixel = null, low = -1, high = -1;
    const keep = () => low >= 0 && found.push(...(low === high ? [low] : [low, high]));
    for (const [first, last] of pieces) {
      if (x[last] < min || x[first] > max || (x[last] - x[first]) * perUnit >= 2) continue;
      for (let at = first; at <= last; at++) {
        if (ys[at] == null) continue;
        const here = Math.floor((x[at] - min) * perUnit);
        if (here !== pixel) {
          keep();
          pixel = here;
          low = high = at;
        } else if (ys[at] < ys[low]) low = at;
        else if (ys[at] > ys[high]) high = at;
      }
    }
    keep();
    return found.length ? found : null;
  }

  class Chart {
    constructor(series, label, figure) {
      Object.assign(this, { series, label, figure, target: figure.querySelector(".chart") });
      this.isLog = false;
      this.made = 0;
      const button = figure.querySelector("button");
      button.addEventListener("click", () => {
        this.isLog = !this.isLog;
        button.setAttribute("aria-pressed", this.isLog);
        this.make();
      });
    }

    async make() {
      const turn = ++this.made;
      try {
        const curves = await this.series.curves(this.label);
        // Something newer was asked for meanwhile.
        if (turn === this.made) this.draw(curves);
      } catch (error) {
        this.target.textContent =
          `This browser cannot draw here: ${error.message}. It takes Chrome 103, Firefox 113 or Safari 16.4.`;
      }
    }

    draw(curves) {
      const { x, places } = numbers.align(curves.map((curve) => curve.x));
      const ys = curves.map((curve, i) => this.heights(curve.y.values, places[i]));
      this.curves = curves;
      this.plot?.destroy();
      this.target.replaceChildren();
      this.plot = new uPlot(this.options(curves, places, x, ys), [x, ...ys], this.target);
      this.series.fit(this);
    }

    // Null parts a curve; undefined, where another experiment alone has an x, does not.
    heights(values, places) {
      const heights = new Array(places.length);
      for (let i = 0; i < places.length; i++) {
        const value = values[places[i]];
        if (places[i] >= 0) heights[i] = Number.isFinite(value) && (value > 0 || !this.isLog) ? value : null;
      }
      return heights;
    }

    options(curves, places, x, ys) {
      return {
        width: this.target.clientWidth,
        height: HEIGHT,
        scales: { x: { time: false }, y: { distr: this.isLog ? 3 : 1 } },
        axes: [
          axis({ values: (_, splits) => splits.map(tick), size: 32 }),
          axis({ values: (_, splits) => splits.map(tick), size: width }),
        ],
        series: [
          { label: this.series.unit, value: (_, value) => (value == null ? "" : tick(value)) },
          ...curves.map((curve, i) => this.line(curve, places[i], x, ys[i])),
        ],
        legend: { markers: { width: 2, dash: (_, i) => (i > 0 ? dashes(curves[i - 1])[1] : "solid") } },
        focus: { alpha: 0.25 },
        cursor: {
          focus: { prox: 16 },
          points: { size: 7 },
          drag: { x: true, y: false },
          bind: { mousedown: (chart, _, zoom) => (event) => (event.shiftKey ? gestures.move(chart, event) : zoom(event)) },
          sync: { key: this.series.name, filters: { pub: (kind) => !/down|up|dbl/.test(kind) } },
        },
        hooks: {
          ready: [gestures.listen],
          setScale: [(chart, key) => key === "x" && this.series.zoom(chart)],
          setSeries: [(_, i, change) => i != null && "show" in change && show(curves[i - 1].experiment, change.show)],
        },
      };
    }

    line(curve, places, x, ys) {
      const stroke = colour(`--c${curve.experiment % COLOURS}`);
      const pieces = runs(ys);
      return {
        label: data.tags[curve.experiment],
        show: shown[curve.experiment],
        stroke,
        dash: dashes(curve)[0],
        width: 1.5,
        points: { size: 5, fill: stroke, filter: (chart, _, all) => (all ? null : specks(chart, pieces, x, ys)) },
        value: (_, __, ___, at) => (at == null || places[at] < 0 ? "" : curve.y.text(places[at])),
      };
    }
  }

  class Series {
    constructor(own, section, number) {
      Object.assign(this, { own, name: `series ${number}`, columns: new Map(), range: null });
      this.charts = own.charts.map((label, i) => new Chart(this, label, section.querySelectorAll("figure")[i]));
      this.across = section.querySelector("select");
      const has = (kind) => own.curves.length > 0 && own.curves.every((curve) => curve[kind]);
      const choices = [has("x") && ["x", own.field], ["row", "row"], has("elapsed") && ["elapsed", "time since its first row"]];
      for (const [value, text] of choices.filter(Boolean)) this.across.add(new Option(text, value));
      this.across.addEventListener("change", () => {
        this.range = null;
        for (const chart of this.charts) if (chart.plot) chart.make();
      });
    }

    async curves(label) {
      const own = this.own.curves.filter((curve) => label in curve.columns);
      const xs = await Promise.all(this.own.curves.map((curve) => this.x(curve)));
      const [size, unit] = this.scale(xs);
      this.unit = unit;
      return Promise.all(own.map(async (curve) => ({
        experiment: curve.experiment,
        x: size === 1 ? xs[this.own.curves.indexOf(curve)] : xs[this.own.curves.indexOf(curve)].map((each) => each / size),
        y: await this.column(curve.columns[label]),
      })));
    }

    async x(curve) {
      if (this.across.value === "row") return Float64Array.from({ length: curve.rows }, (_, row) => row + 1);
      return (await this.column(curve[this.across.value])).values;
    }

    scale(xs) {
      if (this.across.value !== "elapsed") return [1, this.across.selectedOptions[0].text];
      const longest = xs.reduce((most, each) => each.reduce((a, b) => (b > a ? b : a), most), 0);
      return UNITS.find(([size]) => longest >= 2 * size) || UNITS.at(-1);
    }

    column(packed) {
      if (!this.columns.has(packed)) this.columns.set(packed, numbers.column(packed));
      return this.columns.get(packed);
    }

    zoom(from) {
      const { min, max } = from.scales.x;
      if (min == null || (this.range && this.range.min === min && this.range.max === max)) return;
      this.range = { min, max };
      for (const { plot } of this.charts) if (plot && plot !== from) plot.setScale("x", this.range);
    }

    // A chart that is made late shows what the others show.
    fit(chart) {
      if (this.range) chart.plot.setScale("x", this.range);
    }
  }

  function show(experiment, isShown) {
    if (shown[experiment] === isShown) return;
    shown[experiment] = isShown;
    legend.children[experiment].setAttribute("aria-pressed", isShown);
    for (const { plot, curves } of charts) {
      const at = plot ? curves.findIndex((curve) => curve.experiment === experiment) : -1;
      if (at >= 0 && plot.series[at + 1].show !== isShown) plot.setSeries(at + 1, { show: isShown });
    }
  }

  data.series.forEach((own, i) => charts.push(...new Series(own, document.querySelectorAll("section.series")[i], i).charts));

  legend.hidden = charts.length === 0 || data.tags.length < 2;
  [...legend.children].forEach((button, i) => button.addEventListener("click", () => show(i, !shown[i])));

  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const chart = charts.find((each) => each.figure === target);
      if (isIntersecting && !chart.made) chart.make();
    }
  }, { rootMargin: "400px" });
  charts.forEach((chart) => seen.observe(chart.figure));

  const sized = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const chart = charts.find((each) => each.target === target);
      if (chart.plot && chart.plot.width !== target.clientWidth) chart.plot.setSize({ width: target.clientWidth, height: HEIGHT });
    }
  });
  charts.forEach((chart) => sized.observe(chart.target));

  const redraw = () => charts.forEach((chart) => chart.plot && chart.make());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

  // For the curious, and for the tests.
  window.labWorkbook = { charts };
})();
