"use strict";
// Jobs in and out: the numbers are attributes of #flow, which the stream keeps fresh.
(() => {
  const place = document.getElementById("chart");
  const probe = document.createElement("span"); // a variable of two colours is one only where it is used
  probe.hidden = true;
  place.before(probe);
  const colour = (name) => { probe.style.color = `var(${name})`; return getComputedStyle(probe).color; };
  let plot = null;

  function numbers() {
    const {at, span, into, out} = document.getElementById("flow").dataset;
    const rates = (list) => list.split(",").slice(0, -1).map((n) => n / span); // the last one is not over yet
    const ins = rates(into), outs = rates(out);
    return [ins.map((_, i) => at - (ins.length - i) * span), ins, outs];
  }

  function line(label, name) {
    return {label, stroke: () => colour(name), width: 1.8, points: {show: false}};
  }

  function axis(more) {
    const grid = {stroke: () => colour("--line"), width: 1};
    return {stroke: () => colour("--quiet"), grid, ticks: {show: false}, font: "12px system-ui, sans-serif", ...more};
  }

  function clock(seconds) {
    const shown = new Date(seconds * 1000).toTimeString();
    return seconds % 60 ? shown.slice(0, 8) : shown.slice(0, 5);
  }

  function size() { return {width: place.clientWidth, height: 200}; }

  function draw() {
    if (plot) { plot.setData(numbers()); return; }
    plot = new uPlot({
      ...size(), legend: {show: false}, cursor: {y: false, points: {size: 7}},
      scales: {y: {range: (_, low, high) => [0, Math.max(high, 1) * 1.08]}},
      axes: [axis({space: 80, size: 30, values: (_, times) => times.map(clock)}), axis({size: 48, space: 36})],
      series: [{}, line("in", "--ready"), line("out", "--succeeded")],
    }, numbers(), place);
  }

  draw();
  new MutationObserver(draw).observe(document.getElementById("flow"), {attributes: true});
  new ResizeObserver(() => plot.setSize(size())).observe(place);
  document.addEventListener("hirehall:theme", () => plot.redraw());
})();
