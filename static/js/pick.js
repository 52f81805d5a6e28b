// Rows picked in a list: how many they are, all of a page at once, a range with Shift.
(() => {
  "use strict";

  const boxes = () => [...document.querySelectorAll('input[name="vm"][type="checkbox"]')];
  let last = "";

  const show = () => {
    const all = boxes();
    const picked = all.filter((box) => box.checked).length;
    const head = document.querySelector("input[data-pick-all]");
    if (head) {
      head.checked = picked > 0 && picked === all.length;
      head.indeterminate = picked > 0 && picked < all.length;
    }
    const every = document.querySelector('input[name="all"]:checked');
    const text = every ? `All ${every.dataset.count} selected` : `${picked} selected`;
    const place = document.querySelector("[data-picked]");
    if (place && place.textContent !== text) place.textContent = text;
  };

  const range = (box) => {
    const all = boxes();
    const from = all.findIndex((other) => other.value === last);
    const to = all.indexOf(box);
    if (from < 0) return;
    for (const other of all.slice(Math.min(from, to), Math.max(from, to) + 1)) other.checked = box.checked;
  };

  document.addEventListener("click", (event) => {
    const box = event.target.closest('input[name="vm"][type="checkbox"]');
    if (!box) return;
    if (event.shiftKey) range(box);
    last = box.value;
    show();
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("input[data-pick-all]")) {
      for (const box of boxes()) box.checked = event.target.checked;
    }
    if (event.target.matches('input[data-pick-all], input[name="vm"], input[name="all"]')) show();
  });

  document.addEventListener("reset", () => setTimeout(show)); // the boxes are cleared after the event
  document.addEventListener("htmx:afterSettle", show);
  window.addEventListener("pageshow", show);
})();
