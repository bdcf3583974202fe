"use strict";
// Sorts and filters the tables marked data-sort, which are otherwise shown whole, in the order of the run; opens the folded
// parts that an address leads to; copies commands.

for (const table of document.querySelectorAll("table[data-sort]")) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  const box = table.closest(".filtered");

  // A cell's number or, without one, its words; nothing at all comes last in both directions.
  const value = (row, column) => {
    const cell = row.cells[column];
    const order = cell.dataset.order;
    return order === undefined ? cell.textContent.trim() : order === "" ? null : Number(order);
  };
  const compare = (one, other) =>
    typeof one === "number" && typeof other === "number"
      ? one - other
      : String(one).localeCompare(String(other), "en", { numeric: true });

  const sort = (column) => {
    const before = heads[column].getAttribute("aria-sort");
    const next = before === null ? "ascending" : before === "ascending" ? "descending" : null;
    for (const head of heads) head.removeAttribute("aria-sort");
    if (next) heads[column].setAttribute("aria-sort", next);
    table.classList.toggle("sorted", next !== null);
    const sign = next === "descending" ? -1 : 1;
    const keyed = rows.map((row, place) => [next ? value(row, column) : place, place, row]);
    keyed.sort(
      ([one, first], [other, second]) =>
        (one === null) - (other === null) ||
        (one === null ? 0 : sign * compare(one, other)) ||
        first - second,
    );
    body.append(...keyed.map(([, , row]) => row));
  };

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    const arrow = document.createElement("span");
    arrow.className = "arrow";
    arrow.setAttribute("aria-hidden", "true");
    button.append(...head.childNodes);
    button.firstChild.after(arrow);
    button.addEventListener("click", () => sort(column));
    head.append(button);
  });
  table.classList.add("sortable");

  const search = box?.querySelector("input[type=search]");
  if (!search) continue;
  const count = box.querySelector("output");
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
    const shown = rows.filter((row) => row.getClientRects().length).length;
    count.textContent = `${shown} of ${rows.length} shown`;
  };
  search.closest("[hidden]").hidden = false;
  search.addEventListener("input", filter);
  box.addEventListener("change", filter);
  filter();
}

document.documentElement.classList.add("scripted");

// An address inside a folded part opens it.
const unfold = () => {
  // As it is: no place of a page has a name that an address would escape.
  const target = document.getElementById(location.hash.slice(1));
  if (!target) return;
  for (let each = target; each; each = each.parentElement) {
    if (each.tagName === "DETAILS") each.open = true;
  }
  target.scrollIntoView();
};
addEventListener("hashchange", unfold);
unfold();
document.addEventListener("click", (event) => {
  const link = event.target.closest?.('a[href^="#"]');
  // The same address twice is no change of it.
  if (link && link.hash === location.hash) unfold();
});

for (const button of navigator.clipboard ? document.querySelectorAll("button.copy") : []) {
  const text = button.parentElement.querySelector("code").textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
}
