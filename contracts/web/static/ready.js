"use strict";
document.documentElement.classList.add("js");

// A menu opens and closes without this; with it, Escape and a click beside it close it too.
function closeMenus(except) {
  for (const menu of document.querySelectorAll(".tv-menu[open]")) {
    if (menu === except) continue;
    if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
    menu.open = false;
  }
}
document.addEventListener("keydown", function (event) {
  if (event.key === "Escape") closeMenus();
});
document.addEventListener("click", function (event) {
  closeMenus(event.target.closest(".tv-menu"));
});
