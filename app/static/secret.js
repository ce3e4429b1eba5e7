// Password fields: what was typed can be shown, and a key left on by mistake is told of.
"use strict";

document.querySelectorAll("[data-secret]").forEach((holder) => {
  const input = holder.querySelector("input");
  const button = holder.querySelector("button");
  const caps = document.getElementById(`${input.id}-caps`);
  button.addEventListener("click", () => {
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
    input.focus();
  });
  const tell = (event) => { caps.textContent = event.getModifierState?.("CapsLock") ? caps.dataset.words : ""; };
  input.addEventListener("keydown", tell);
  input.addEventListener("keyup", tell);
  input.addEventListener("blur", () => { caps.textContent = ""; });
  // Browsers keep what was typed into a plain text field.
  input.form.addEventListener("submit", () => { input.type = "password"; });
});
