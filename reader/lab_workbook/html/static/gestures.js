// How a chart is moved and zoomed besides dragging, which uPlot brings: by Shift, by the wheel, and by keys.
const gestures = (() => {
  "use strict";

  function setX(chart, min, max) {
    if (max > min) chart.setScale("x", { min, max });
  }

  function move(chart, event) {
    const { min, max } = chart.scales.x;
    const perPixel = (max - min) / chart.over.clientWidth;
    const moved = (next) => setX(chart, min - (next.clientX - event.clientX) * perPixel, max - (next.clientX - event.clientX) * perPixel);
    document.addEventListener("mousemove", moved);
    document.addEventListener("mouseup", () => document.removeEventListener("mousemove", moved), { once: true });
  }

  function zoomAt(chart, at, factor) {
    const { min, max } = chart.scales.x;
    setX(chart, at - (at - min) * factor, at + (max - at) * factor);
  }

  function all(chart) {
    const xs = chart.data[0];
    setX(chart, xs[0], xs[xs.length - 1]);
  }

  function listen(chart) {
    chart.over.tabIndex = 0;
    chart.over.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      zoomAt(chart, chart.posToVal(event.offsetX, "x"), event.deltaY < 0 ? 0.8 : 1.25);
    }, { passive: false });
    chart.over.addEventListener("keydown", (event) => {
      const { min, max } = chart.scales.x;
      const step = (max - min) / 5;
      const actions = {
        ArrowLeft: () => setX(chart, min - step, max - step),
        ArrowRight: () => setX(chart, min + step, max + step),
        "+": () => zoomAt(chart, (min + max) / 2, 0.6),
        "-": () => zoomAt(chart, (min + max) / 2, 1 / 0.6),
        0: () => all(chart),
      };
      if (!actions[event.key] || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      actions[event.key]();
    });
  }

  return { listen, move };
})();
