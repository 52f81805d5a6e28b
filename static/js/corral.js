// Small comforts on top of pages that work without them: theme switch, copy buttons, relative times, quiet polling.
(() => {
  "use strict";

  // Themes ------------------------------------------------------------------------------------------------
  const showTheme = () => {
    const chosen = window.corralTheme.chosen();
    for (const button of document.querySelectorAll("[data-theme-choice]:is(button)")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === chosen));
    }
  };

  // Copying -----------------------------------------------------------------------------------------------
  const announce = (text) => {
    const region = document.getElementById("announcer");
    if (region) region.textContent = text;
  };

  const copy = async (button) => {
    const text = button.dataset.copy;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      return selectBeside(button); // plain http on another machine: no clipboard, so at least mark the text
    }
    button.classList.add("copied");
    announce("Copied");
    setTimeout(() => button.classList.remove("copied"), 1400);
  };

  const selectBeside = (button) => {
    const source = button.parentElement.querySelector("code");
    if (source) getSelection().selectAllChildren(source);
  };

  document.addEventListener("click", (event) => {
    const theme = event.target.closest("button[data-theme-choice]");
    if (theme) {
      window.corralTheme.choose(theme.dataset.themeChoice);
      showTheme();
    }
    const toggle = event.target.closest(".side-toggle");
    if (toggle) {
      const open = toggle.closest(".side").classList.toggle("is-open");
      toggle.setAttribute("aria-expanded", String(open));
    }
    const copying = event.target.closest("button[data-copy]");
    if (copying) copy(copying);
    for (const menu of document.querySelectorAll("details.user[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && event.target.closest("details.user[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  // Times -------------------------------------------------------------------------------------------------
  const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];

  const ago = (seconds) => {
    if (seconds < 5) return "just now";
    const [size, unit] = UNITS.find(([size]) => seconds >= size);
    return `${Math.floor(seconds / size)} ${unit} ago`;
  };

  const refreshTimes = () => {
    const now = Date.now();
    for (const time of document.querySelectorAll("time[data-ago]")) {
      const text = ago((now - Date.parse(time.dateTime)) / 1000);
      time.textContent = time.dataset.ago === "brief" ? text.replace("just now", "now").replace(" ago", "") : text;
    }
  };

  // Live fragments ----------------------------------------------------------------------------------------
  // A hidden tab asks nothing; when it comes back, every fragment that listens refreshes once.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && event.detail.elt.hasAttribute("data-live")) event.preventDefault();
  });
  // Nobody has to be there for what a fragment asks by itself: it does not prolong the login.
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.elt.hasAttribute("data-live")) event.detail.headers["X-Corral-Live"] = "1";
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) document.body.dispatchEvent(new Event("corral:wake"));
  });

  // A file on its way: how much of it has been sent.
  document.addEventListener("htmx:xhr:progress", (event) => {
    const bar = event.target.querySelector("progress[data-upload]");
    if (!bar || !event.detail.lengthComputable) return;
    const percent = Math.floor((event.detail.loaded * 100) / event.detail.total);
    if (percent < bar.value) return; // the answer coming back
    bar.value = percent;
    const place = bar.closest(".upload");
    place.hidden = false;
    place.querySelector("[data-percent]").textContent = percent < 100 ? `${percent} %` : "Being checked…";
  });
  document.addEventListener("htmx:afterSettle", () => showTheme());

  const configureMorph = () => {
    if (!window.Idiomorph) return;
    // What people folded open, picked or are typing, stays as it is through a refresh.
    window.Idiomorph.defaults.ignoreActiveValue = true;
    const combobox = "[role=combobox]";
    const theirs = { open: "details", checked: "[data-mine]", "aria-expanded": combobox, "aria-activedescendant": combobox };
    const { callbacks } = window.Idiomorph.defaults;
    callbacks.beforeAttributeUpdated = (name, node) => !(theirs[name] && node.matches(theirs[name]));
    callbacks.beforeNodeMorphed = (node) => !(node instanceof Element && node.matches("[data-keep]"));
  };

  const showTab = () => document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });

  const ready = () => {
    configureMorph();
    showTab();
    showTheme();
    refreshTimes();
    setInterval(refreshTimes, 15000);
    document.addEventListener("htmx:afterSettle", refreshTimes);
  };

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", ready);
  else ready();
})();
