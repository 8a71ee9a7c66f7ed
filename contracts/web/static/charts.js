"use strict";
// Draws each figure from the JSON block beside it. Without this script, or when it fails, the figure's table stays open.
(function () {
  const source = document.currentScript.dataset.plotly;
  const locked = { displayModeBar: false, displaylogo: false, showSendToCloud: false, plotlyServerURL: "", responsive: true };
  let library;

  function load() {
    library ??= new Promise(function (resolve, reject) {
      const script = document.createElement("script");
      script.src = source;
      script.onload = resolve;
      script.onerror = reject;
      document.head.append(script);
    });
    return library;
  }

  // On a narrow screen only every second or third label has room; the table has them all.
  function thin(layout, width) {
    const count = layout.xaxis?.tickvals?.length ?? 0;
    const step = Math.ceil((count * 36) / Math.max(width - 70, 1));
    if (step < 2) return layout;
    const kept = (list) => list.filter((_, index) => index % step === 0);
    layout.xaxis.ticktext = kept(layout.xaxis.ticktext);
    layout.xaxis.tickvals = kept(layout.xaxis.tickvals);
    layout.annotations = layout.annotations?.filter((note) => note.name !== "sum");
    return layout;
  }

  async function draw(place) {
    const table = place.closest("figure").querySelector("details");
    const stays = !table || table.hasAttribute("data-stays-open");
    if (!stays) table.open = false;
    try {
      await load();
      const figure = JSON.parse(document.getElementById(place.dataset.chart).textContent);
      await window.Plotly.newPlot(place, figure.data, thin(figure.layout, place.clientWidth), { ...figure.config, ...locked });
      place.dataset.drawn = "yes";
    } catch (error) {
      place.hidden = true;
      if (table) table.open = true;
    }
  }

  function drawAll(within) {
    for (const place of within.querySelectorAll("[data-chart]:not([data-drawn])")) draw(place);
  }

  drawAll(document);
  document.addEventListener("htmx:after:swap", function () { drawAll(document); });
  // On paper every table stands open.
  let opened = [];
  window.addEventListener("beforeprint", function () {
    opened = [...document.querySelectorAll("figure details:not([open])")];
    for (const table of opened) table.open = true;
  });
  window.addEventListener("afterprint", function () {
    for (const table of opened) table.open = false;
  });
})();
