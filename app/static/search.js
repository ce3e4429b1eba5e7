// The search of the header: answers while one types, chosen with the arrows. What is typed is posted, never in an address.
"use strict";

(() => {
  const form = document.querySelector("[data-search]");
  if (!form) return;
  const input = form.querySelector("input[name=q]");
  const panel = form.querySelector(".search-found");
  const list = panel.querySelector("[role=listbox]");
  const hint = panel.querySelector("[data-hint]");
  const said = form.querySelector("[data-said]");
  const PAUSE = 150;
  let timer = 0;
  let asked = 0; // questions so far: an answer to an earlier one is dropped

  const options = () => [...list.querySelectorAll("[role=option]")];
  const active = () => list.querySelector("[aria-selected=true]");

  function show(open) {
    panel.hidden = !open;
    input.setAttribute("aria-expanded", String(open && options().length > 0));
    if (!open) choose(null);
  }

  function choose(option) {
    active()?.setAttribute("aria-selected", "false");
    if (!option) return input.removeAttribute("aria-activedescendant");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", option.id);
  }

  function clear() {
    list.replaceChildren();
    hint.hidden = false;
    input.removeAttribute("aria-activedescendant");
    said.textContent = "";
  }

  async function ask() {
    const words = input.value.trim();
    const mine = ++asked;
    if (words.length < 2) {
      clear();
      show(document.activeElement === input);
      return;
    }
    let answer = "";
    try {
      const sent = await fetch("/search/offers", { method: "POST", body: new URLSearchParams(new FormData(form)) });
      // Signed out meanwhile, or refused: the page of the form tells it properly.
      if (!sent.ok || sent.redirected) throw new Error(String(sent.status));
      answer = await sent.text();
    } catch {
      if (mine === asked) said.textContent = said.dataset.failed;
      return;
    }
    if (mine !== asked) return;
    list.innerHTML = answer;
    hint.hidden = true;
    choose(null);
    show(document.activeElement === input);
    const found = options().length;
    said.textContent = found ? said.dataset.some.replace("{n}", found) : said.dataset.none;
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  });
  input.addEventListener("focus", () => show(true));
  form.addEventListener("focusout", (event) => {
    if (!form.contains(event.relatedTarget)) show(false);
  });
  // Otherwise the click would take the focus from the box, and the list would close under it.
  panel.addEventListener("mousedown", (event) => event.preventDefault());

  input.addEventListener("keydown", (event) => {
    const all = options();
    const at = all.indexOf(active());
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (panel.hidden) return show(true);
      if (all.length) choose(all[(at + (event.key === "ArrowDown" ? 1 : at < 0 ? 0 : -1) + all.length) % all.length]);
    } else if (event.key === "Enter" && at >= 0) {
      event.preventDefault();
      all[at].click();
    } else if (event.key === "Escape") {
      event.preventDefault();
      if (panel.hidden || !input.value) input.blur();
      show(false);
    }
  });

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    const called = (event.ctrlKey || event.metaKey) && !event.altKey && event.code === "KeyK";
    if (!called && (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey)) return;
    // On a phone the box is a page of its own.
    const box = input.offsetParent ? input : document.querySelector("#search-words");
    if (document.querySelector("dialog[open]")) return;
    event.preventDefault();
    if (box) {
      box.focus();
      box.select();
    } else {
      location.assign("/search/");
    }
  });
})();
