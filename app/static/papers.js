// The page of papers: what is ticked goes together, and the frame beside tells that its pages are being set.
"use strict";

for (const page of document.querySelectorAll("[data-papers]")) {
  const ticks = [...page.querySelectorAll("[name=paper]")];
  const all = page.querySelector("[data-tick-all]");
  const frame = page.querySelector("iframe");
  const status = page.querySelector("[data-status]");
  let asked = false;

  const count = () => {
    const ticked = ticks.filter((tick) => tick.checked).length;
    page.querySelectorAll("[data-together]").forEach((button) => { button.disabled = !ticked; });
    if (!all) return;
    all.checked = ticked === ticks.length;
    all.indeterminate = ticked > 0 && ticked < ticks.length;
  };
  page.addEventListener("change", (event) => {
    if (event.target === all) ticks.forEach((tick) => { tick.checked = all.checked; });
    count();
  });
  count();

  const wait = () => {
    asked = true;
    frame.hidden = true;
    status.classList.remove("visually-hidden");
    status.textContent = status.dataset.making;
    status.classList.add("papers-making");
  };
  page.addEventListener("click", (event) => {
    const link = event.target.closest("[data-preview]");
    if (!link) return;
    page.querySelectorAll("[aria-current]").forEach((other) => other.removeAttribute("aria-current"));
    link.setAttribute("aria-current", "true");
    wait();
  });
  frame.addEventListener("load", () => {
    if (!asked) return;
    frame.hidden = false;
    status.classList.remove("papers-making");
    // Where there is no paper the frame says why.
    const refusal = frame.contentDocument?.querySelector("[data-refusal]");
    status.textContent = refusal ? refusal.textContent : status.dataset.ready;
    status.classList.add("visually-hidden");
  });
  // What there is to look at alone is looked at at once, where there is a place for it.
  const previews = page.querySelectorAll("a[data-preview]");
  if (previews.length === 1 && frame.parentElement.offsetParent) previews[0].click();
}
