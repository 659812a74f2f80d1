// Comfort only: every page works without it. Keys move along navigation and rows; choices take effect at once.
"use strict";

const typing = (target) => target.closest("input, select, textarea, dialog[open], [contenteditable]");

const rows = () => [...document.querySelectorAll("main table:not(.moved) tbody tr")].filter((row) => row.querySelector("a[href]"));

function step(by) {
  const all = rows();
  if (!all.length) return;
  const now = all.findIndex((row) => row.contains(document.activeElement));
  const next = all[Math.min(all.length - 1, Math.max(0, now + by))];
  next.querySelector("a[href]").focus();
  next.scrollIntoView({ block: "nearest" });
}

const keys = {
  j: () => step(1),
  k: () => step(-1),
  n: () => document.querySelector(".pager a[rel=next]")?.click(),
  "?": () => document.getElementById("keys").showModal(),
  "/": () => document.querySelector("main input[type=search]")?.focus(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || typing(event.target)) return;
  const section = /^[1-9]$/.test(event.key) && document.querySelector(`nav a[data-key="${event.key}"]`);
  const act = section ? () => section.click() : keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

for (const form of document.querySelectorAll("form.choose")) {
  form.addEventListener("change", () => form.requestSubmit());
}

// a second click on an act does nothing; the store would refuse it anyway
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// a submission's table shows the cell that was asked for, or its first problem: neither need stand at the top left
const sheet = document.querySelector(".sheet");
if (sheet && !location.hash) {
  const asked = document.getElementById(`cell-${new URLSearchParams(location.search).get("cell")}`);
  const cell = asked ?? sheet.querySelector("td.marked");
  if (cell) {
    const [into, around] = [cell.getBoundingClientRect(), sheet.getBoundingClientRect()];
    if (into.right > around.right) sheet.scrollLeft += into.left - around.left - around.width / 2;
    if (into.bottom > around.bottom) sheet.scrollTop += into.top - around.top - around.height / 3;
  }
}
