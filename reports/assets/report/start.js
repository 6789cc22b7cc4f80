// Everything begins here, once the page is there.

document.body.append(element("p", { id: "announcement", class: "sr", "aria-live": "polite" }));
startTables();
startExplorer();
startCharts();
startGraph();
startTheme((width) => {
  if (data.charts.length) drawCharts(width);
});
