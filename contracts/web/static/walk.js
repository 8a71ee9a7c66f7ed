"use strict";
// Walks the rows of a list, or from page to page, by J and K. Everything it does is a link on the page as well, and the
// switch beside the hint turns it off for good: who speaks to the machine may not want single letters to mean something.
(function () {
  const NAME = "walk-keys";
  const list = document.querySelector("[data-walk]");
  const hint = document.querySelector("[data-walk-hint]");
  const toggle = document.querySelector("[data-walk-switch]");
  if (!hint || !toggle) return;
  hint.hidden = false;

  function remembered() {
    try {
      return localStorage.getItem(NAME) !== "off";
    } catch {
      return true;
    }
  }

  toggle.checked = remembered();
  toggle.addEventListener("change", function () {
    try {
      localStorage.setItem(NAME, toggle.checked ? "on" : "off");
    } catch {
      // Without storage the choice holds for this page.
    }
  });

  function follow(name) {
    const link = document.querySelector(`[${name}]`);
    if (link) link.click();
  }

  function step(by) {
    const rows = [...list.querySelectorAll("[data-walk-row]")];
    const at = rows.indexOf(document.activeElement);
    const next = at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + by, 0), rows.length - 1);
    rows[next]?.focus();
  }

  document.addEventListener("keydown", function (event) {
    if (!toggle.checked || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const field = event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
    if (field) return;
    const key = event.key.toLowerCase();
    if (list && key === "j") step(1);
    else if (list && key === "k") step(-1);
    else if (!list && key === "j") follow("data-walk-next");
    else if (!list && key === "k") follow("data-walk-previous");
    else if (!list && key === "u") follow("data-walk-up");
    else return;
    event.preventDefault();
  });
})();
