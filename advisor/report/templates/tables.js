"use strict";
// Sorts and searches the tables that say so. Without it they stand as they are.
for (const table of document.querySelectorAll("table[data-sortable]")) {
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const value = (row, at) => {
    const cell = row.cells[at];
    if (!cell) return "";
    return cell.dataset.value === undefined ? cell.textContent.trim() : Number(cell.dataset.value);
  };
  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") return a - b;
    if (typeof a === "number") return -1; // What has no number goes last.
    if (typeof b === "number") return 1;
    return a.localeCompare(b, undefined, { numeric: true, sensitivity: "base" });
  };
  const heads = Array.from(table.tHead.rows[0].cells);
  heads.forEach((head, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const known = (row) => typeof value(row, at) === "number" || value(row, at) !== "";
      rows.sort((a, b) => {
        if (known(a) !== known(b)) return known(a) ? -1 : 1;
        return (down ? -1 : 1) * compare(value(a, at), value(b, at));
      });
      body.append(...rows);
    });
  });
  if (rows.length < Number(table.dataset.searchFrom || 8)) continue;
  const box = table.closest(".scroll");
  const label = document.createElement("label");
  const input = document.createElement("input");
  const status = document.createElement("span");
  const bar = document.createElement("div");
  bar.className = "search";
  input.type = "search";
  input.autocomplete = "off";
  input.spellcheck = false;
  status.setAttribute("role", "status");
  label.append(`Search ${rows.length} ${table.dataset.sortable} `, input);
  bar.append(label, status);
  box.before(bar);
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const byRow = new Map(rows.map((row, at) => [row, texts[at]]));
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const [row, text] of byRow) {
      row.hidden = !words.every((word) => text.includes(word));
      if (!row.hidden) shown += 1;
    }
    status.textContent = words.length ? `${shown} of ${rows.length}` : "";
  });
}
