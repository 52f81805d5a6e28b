// Runs in <head>, before anything is painted: the remembered theme, or what the system prefers.
(() => {
  "use strict";
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  const chosen = () => {
    try {
      return localStorage.getItem("corral-theme") || "system";
    } catch {
      return "system"; // storage may be forbidden
    }
  };

  const apply = () => {
    const choice = chosen();
    root.dataset.themeChoice = choice;
    root.dataset.bsTheme = choice === "system" ? (dark.matches ? "dark" : "light") : choice;
    root.classList.toggle("dark-mode", root.dataset.bsTheme === "dark"); // Swagger UI's word for it
  };

  window.corralTheme = {
    chosen,
    choose(choice) {
      try {
        localStorage.setItem("corral-theme", choice);
      } catch {
        // the choice then lasts for this page only
      }
      apply();
      if (root.dataset.themeChoice !== choice) root.dataset.bsTheme = choice;
    },
  };

  root.classList.add("js");
  dark.addEventListener("change", apply);
  window.addEventListener("storage", apply);
  apply();
})();
