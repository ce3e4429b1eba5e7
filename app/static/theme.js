// Before the first paint: the theme chosen in this browser, else the system's. Then the buttons that choose it.
"use strict";

(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => localStorage.getItem("theme") || "";
  const show = () => {
    document.documentElement.dataset.bsTheme = chosen() || (system.matches ? "dark" : "light");
    document.querySelectorAll("[data-theme-choice]").forEach((button) => {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === chosen()));
    });
  };
  show();
  system.addEventListener("change", show);
  addEventListener("storage", show);
  addEventListener("DOMContentLoaded", show);
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-theme-choice]");
    if (!button) return;
    if (button.dataset.themeChoice) localStorage.setItem("theme", button.dataset.themeChoice);
    else localStorage.removeItem("theme");
    show();
  });
})();
