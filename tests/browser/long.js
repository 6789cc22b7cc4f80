// Makes the table of destinations longer than a page.
addEventListener("load", () => {
  const body = document.querySelector("#table-destinations tbody");
  const last = body.rows[body.rows.length - 1];
  for (let count = 0; count < 150; count += 1) {
    const row = last.cloneNode(true);
    row.cells[0].textContent = "rowofmany";
    body.append(row);
  }
});
