// One dialog for every question of a page: htmx fills it, the browser keeps the focus inside and hears Escape.
(() => {
  "use strict";

  const dialog = () => document.querySelector("dialog.question");

  document.addEventListener("htmx:afterSwap", (event) => {
    const found = dialog();
    if (found && event.target.id === "ask-body" && !found.open) found.showModal();
  });

  document.addEventListener("click", (event) => {
    const found = event.target.closest("dialog.question");
    if (!found) return;
    if (event.target !== found && !event.target.closest("[data-close]")) return;
    event.preventDefault();
    found.close();
  });

  // What it asked is not asked again by a page that comes back.
  document.addEventListener("close", (event) => {
    if (event.target === dialog()) document.getElementById("ask-body").replaceChildren();
  }, true);

  document.addEventListener("corral:accepted", (event) => {
    const found = dialog();
    if (found && found.open) found.close();
    document.getElementById("announcer").textContent = event.detail.said;
    document.body.dispatchEvent(new CustomEvent("corral:wake"));
  });
})();
