// The box of a list: what the server suggests for the word at the cursor, chosen with the keyboard or the pointer.
(() => {
  "use strict";

  const box = () => document.querySelector("input[data-query]");
  const list = () => document.getElementById("q-options");
  const options = () => [...list().children];
  const isOpen = () => Boolean(list()) && !list().hidden;
  const active = () => options().find((option) => option.getAttribute("aria-selected") === "true");

  const mark = (option) => {
    for (const other of options()) other.setAttribute("aria-selected", String(other === option));
    if (!option) return box().removeAttribute("aria-activedescendant");
    box().setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  };

  const show = (open) => {
    list().hidden = !open;
    box().setAttribute("aria-expanded", String(open));
    mark(null);
  };

  const ask = () => box().dispatchEvent(new CustomEvent("corral:complete"));

  const move = (step) => {
    const all = options();
    const at = all.indexOf(active());
    mark(at < 0 ? all.at(step > 0 ? 0 : -1) : all[(at + step + all.length) % all.length]);
  };

  const choose = (option) => {
    const input = box();
    const rest = input.value.slice(Number(option.dataset.to));
    let text = option.dataset.text;
    if (text.endsWith(" ") && rest.startsWith(" ")) text = text.trimEnd();
    const head = input.value.slice(0, Number(option.dataset.from)) + text;
    input.value = head + rest;
    input.focus();
    input.setSelectionRange(head.length, head.length);
    show(false);
    if ("more" in option.dataset) ask();
  };

  const KEYS = {
    ArrowDown: () => (isOpen() ? move(1) : ask()),
    ArrowUp: () => isOpen() && move(-1),
    Enter: () => choose(active()),
    Tab: () => choose(active()),
    Escape: () => show(false),
  };
  // What a key does here; without it the key keeps its own meaning.
  const applies = (key) => key === "ArrowDown" || (isOpen() && (["ArrowUp", "Escape"].includes(key) || active()));

  document.addEventListener("keydown", (event) => {
    if (!event.target.matches("input[data-query]") || !KEYS[event.key] || event.isComposing) return;
    if (event.shiftKey || event.altKey || event.ctrlKey || event.metaKey || !applies(event.key)) return;
    event.preventDefault();
    KEYS[event.key]();
  });

  document.addEventListener("mousedown", (event) => {
    const option = event.target.closest("#q-options [role=option]");
    if (!option) return;
    event.preventDefault(); // the focus stays in the box
    choose(option);
  });

  document.addEventListener("focusout", (event) => {
    if (event.target.matches("input[data-query]") && isOpen()) show(false);
  });

  document.addEventListener("htmx:configRequest", (event) => {
    if (event.target.matches("input[data-query]")) event.detail.parameters.at = event.target.selectionStart;
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id === "q-options") show(options().length > 0 && document.activeElement === box());
  });
})();
