"use strict";
// The page is complete without this script; it adds sorting, filtering, "open all", and what is closed to the print.

(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const one = (selector) => document.querySelector(selector);

  // Names as a reader orders them: exhibit 2 before exhibit 10, Äpfel before Zebra.
  const collator = new Intl.Collator(undefined, { numeric: true });

  function valueOf(row, column, kind) {
    const cell = row.cells[column];
    const text = cell.dataset.value ?? cell.textContent.trim();
    if (kind === "text") return text;
    return text === "" ? null : Number(text);
  }

  // Rows without a value stay at the end, whichever way the column is sorted.
  function compare(a, b, sign) {
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * (typeof a === "string" ? collator.compare(a, b) : a - b);
  }

  function sortBy(table, heading) {
    const falling = heading.getAttribute("aria-sort") === "ascending" ||
      (!heading.hasAttribute("aria-sort") && heading.dataset.sort === "number");
    all("th[aria-sort]", table).forEach((other) => other.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", falling ? "descending" : "ascending");
    const kind = heading.dataset.sort;
    const column = heading.cellIndex;
    const keyed = [...table.tBodies[0].rows].map((row) => [valueOf(row, column, kind), row]);
    keyed.sort((a, b) => compare(a[0], b[0], falling ? -1 : 1));
    table.tBodies[0].append(...keyed.map(([, row]) => row));
  }

  for (const heading of all("table.sortable th[data-sort]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => sortBy(heading.closest("table"), heading));
  }

  // Style sheets open the closed parts on paper where they can (::details-content); this does it everywhere else.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = all("details:not([open])");
    closed.forEach((part) => { part.open = true; });
  });
  addEventListener("afterprint", () => closed.splice(0).forEach((part) => { part.open = false; }));

  const form = one("form.filters");
  if (!form) return;
  const photos = all("details.photo");
  const exhibit = one("#filter-exhibit");
  const wrong = one("#filter-wrong");

  function fits(photo) {
    const wrongs = photo.dataset.wrong ? photo.dataset.wrong.split(" ") : [];
    if (exhibit.value && photo.dataset.exhibit !== exhibit.value) return false;
    return !wrong?.value || (wrong.value === "*" ? wrongs.length > 0 : wrongs.includes(wrong.value));
  }

  function filter() {
    const shown = photos.filter((photo) => !(photo.hidden = !fits(photo))).length;
    one("#filter-count").value = `${shown} of ${photos.length} shown`;
    form.classList.toggle("chosen", shown < photos.length);
    one("#filter-empty").hidden = shown > 0;
  }

  const setOpen = (open) => photos.forEach((photo) => { if (!photo.hidden) photo.open = open; });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", filter);
  one("#open-all").addEventListener("click", () => setOpen(true));
  one("#close-all").addEventListener("click", () => setOpen(false));
  form.reset();
  form.hidden = false;
  filter();
})();
