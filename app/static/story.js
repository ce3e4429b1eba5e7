// A form that adds to the page it stands on (data-stays): it is sent like any other, and the page is not left.
// Without scripts it is an ordinary form that comes back here.
"use strict";

// What the page shows anew after an addition: the same parts of the page as the server draws it now.
async function refresh() {
  const answer = await fetch(location.href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.querySelectorAll("[data-fresh]").forEach((part) => {
    const fresh = page.querySelector(`[data-fresh="${part.dataset.fresh}"]`);
    if (fresh) part.replaceChildren(...fresh.childNodes);
  });
}

function withoutFaults(form) {
  form.querySelectorAll(".is-invalid").forEach((input) => input.classList.remove("is-invalid"));
  form.querySelectorAll("[aria-invalid]").forEach((input) => input.removeAttribute("aria-invalid"));
  form.querySelectorAll(".invalid-feedback").forEach((note) => note.remove());
  form.querySelector("[data-wrong]").hidden = true;
}

// What the server has to say, taken from the whole form that it answers with.
function withFaults(form, page) {
  let any = false;
  withoutFaults(form);
  for (const note of page.querySelectorAll(".record-form .invalid-feedback")) {
    const place = document.getElementById(note.parentElement.id);
    const input = form.querySelector(`[aria-describedby="${place?.id}"]`);
    if (!input || !form.contains(place)) continue;
    any = true;
    place.append(note.cloneNode(true));
    input.classList.add("is-invalid");
    input.setAttribute("aria-invalid", "true");
  }
  if (any) return form.querySelector(".is-invalid").focus();
  const whole = page.querySelector(".record-form [data-focus]");
  if (!whole) return;
  const box = form.querySelector("[data-wrong]");
  box.textContent = whole.textContent.trim();
  box.hidden = false;
}

document.querySelectorAll("form[data-stays]").forEach((form) => {
  const done = form.querySelector("[data-done]");
  form.addEventListener("submit", () => { done.textContent = ""; });
  form.addEventListener("again", ({ detail }) => withFaults(form, detail));
  form.addEventListener("written", async () => {
    withoutFaults(form);
    form.reset();
    form.querySelector("textarea")?.focus();
    // It is written, whether or not the page can be drawn anew.
    await refresh().catch(() => {});
    done.textContent = form.dataset.stays;
  });
});

document.querySelectorAll("[data-to-form]").forEach((link) => {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    const form = document.querySelector(link.hash);
    form.scrollIntoView({ block: "center" });
    form.querySelector("textarea").focus({ preventScroll: true });
  });
});
