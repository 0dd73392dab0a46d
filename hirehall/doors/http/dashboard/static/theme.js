"use strict";
// Before anything is painted: the theme that this person chose, if not the system's. Later: the button that chooses.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const kept = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const keep = (theme) => { try { localStorage.setItem("theme", theme); } catch { /* it holds for this page */ } };
  const shown = () => root.dataset.theme || (system.matches ? "dark" : "light");
  const said = kept();
  if (said === "dark" || said === "light") root.dataset.theme = said;

  function label(button) {
    button.textContent = shown() === "dark" ? "Light" : "Dark";
    button.setAttribute("aria-label", `${button.textContent} colours`);
  }
  function tell() { document.dispatchEvent(new CustomEvent("hirehall:theme")); }
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    if (!button) return;
    label(button);
    button.hidden = false;
    button.addEventListener("click", () => {
      root.dataset.theme = shown() === "dark" ? "light" : "dark";
      keep(root.dataset.theme);
      label(button);
      tell();
    });
    system.addEventListener("change", () => { label(button); tell(); });
  });
})();
