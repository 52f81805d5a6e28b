// Follows the server's news while the page is visible, and lets its fragments ask for themselves again.
(() => {
  "use strict";

  const PAUSE = 400; // milliseconds: a burst of changes is one refresh
  let source = null;
  let waiting = 0;

  const wake = () => {
    waiting = 0;
    document.body.dispatchEvent(new CustomEvent("corral:wake"));
  };

  const heard = () => {
    if (!waiting) waiting = setTimeout(wake, PAUSE);
  };

  const follow = () => {
    const address = document.body.dataset.events;
    const wanted = address && !document.hidden && document.querySelector("[data-live]");
    if (wanted && !source) {
      source = new EventSource(address);
      source.addEventListener("change", heard);
      // What happened while the stream was away was told to nobody.
      source.addEventListener("error", () => source && source.addEventListener("open", heard, { once: true }));
    } else if (!wanted && source) {
      source.close();
      source = null;
    }
  };

  document.addEventListener("DOMContentLoaded", follow);
  document.addEventListener("visibilitychange", follow);
  window.addEventListener("pagehide", () => source && source.close());
})();
