// Lists: the way back to the same place, ticked rows, the filter panel, saving filters.
"use strict";

// --- The way back: each tab remembers for itself where it left each list, and which record it looked at ----------

function rememberList(base) {
  sessionStorage.setItem(`list ${base}`, location.search);
  const seen = sessionStorage.getItem(`seen ${base}`);
  const row = seen && document.querySelector(`.list td:first-child a[href="${base}${seen}"]`)?.closest("tr");
  if (!row) return;
  row.classList.add("seen");
  // The browser's own way back keeps the place by itself.
  if (performance.getEntriesByType("navigation")[0]?.type === "navigate") row.scrollIntoView({ block: "center" });
  sessionStorage.removeItem(`seen ${base}`);
}

function wayBack(base) {
  // A record opened in a tab of its own came from the list of another tab: that one is its way back.
  const came = document.referrer && new URL(document.referrer);
  if (came && came.origin === location.origin && came.pathname === base) {
    sessionStorage.setItem(`list ${base}`, came.search);
  }
  const [, id] = /^(\d+)/.exec(location.pathname.slice(base.length)) || [];
  if (id && location.pathname.startsWith(base)) sessionStorage.setItem(`seen ${base}`, id);
  return sessionStorage.getItem(`list ${base}`) || "";
}

document.querySelectorAll("[data-list]").forEach(({ dataset }) => rememberList(dataset.list));
document.querySelectorAll("a[data-back]").forEach((link) => {
  link.search = wayBack(link.pathname);
});
document.querySelectorAll("input[data-back]").forEach((input) => {
  input.value = wayBack(input.dataset.back).slice(1);
});

// --- Ticked rows ---------------------------------------------------------------------------------------------------

function ticking(form) {
  const rows = [...document.querySelectorAll("input[name=ticked][form=ticked]")];
  const every = document.querySelectorAll("[data-tick-all]");
  const actions = form.querySelector("[data-ticked]");
  const show = () => {
    const count = rows.filter((row) => row.checked).length;
    actions.hidden = count === 0;
    form.classList.toggle("any-ticked", count > 0);
    form.querySelector("[data-ticked-count]").textContent = String(count);
    rows.forEach((row) => row.closest("tr").classList.toggle("ticked", row.checked));
    every.forEach((all) => {
      all.checked = count === rows.length;
      all.indeterminate = count > 0 && count < rows.length;
    });
  };
  const tickAll = (checked) => {
    rows.forEach((row) => { row.checked = checked; });
    show();
  };
  rows.forEach((row) => row.addEventListener("change", show));
  every.forEach((all) => all.addEventListener("change", () => tickAll(all.checked)));
  form.querySelector("[data-tick-none]").addEventListener("click", () => tickAll(false));
  addEventListener("pageshow", show); // a browser that comes back may have kept the ticks
}

document.querySelectorAll("#ticked").forEach(ticking);

// A form that has its ticks within itself, such as the cases to hand over: the tick in the head stands for all.
document.querySelectorAll("form [data-tick-all]").forEach((all) => {
  const rows = [...all.form.querySelectorAll("input[name=ticked]")];
  if (!rows.length) return; // the papers of a record have a script of their own
  const show = () => {
    const count = rows.filter((row) => row.checked).length;
    all.checked = count === rows.length;
    all.indeterminate = count > 0 && count < rows.length;
  };
  all.addEventListener("change", () => rows.forEach((row) => { row.checked = all.checked; }));
  rows.forEach((row) => row.addEventListener("change", show));
  addEventListener("pageshow", show);
});

// --- The filter panel: «not given» asks for no value ------------------------------------------------------------------

document.querySelectorAll("[data-filter]").forEach((filter) => {
  const operator = filter.querySelector(".operator");
  const follow = () => {
    filter.querySelector("[data-values]").hidden = ["empty", "given"].includes(operator.value);
  };
  operator?.addEventListener("change", follow);
  if (operator) follow();
});

// --- Dialogs -----------------------------------------------------------------------------------------------------------

document.querySelectorAll("[data-dialog]").forEach((button) => {
  button.addEventListener("click", () => document.getElementById(button.dataset.dialog).showModal());
});
document.querySelectorAll("dialog [data-close]").forEach((button) => {
  button.addEventListener("click", () => button.closest("dialog").close());
});

// A name that is taken replaces the filter of that name: it is said before it is done.
document.querySelectorAll("form[data-own]").forEach((form) => {
  const own = new Set(JSON.parse(form.dataset.own));
  form.elements.name.addEventListener("input", () => {
    const replaces = own.has(form.elements.name.value.trim().replace(/\s+/g, " "));
    form.querySelector("[data-replaces]").hidden = !replaces;
    form.elements.replace.disabled = !replaces;
  });
});

document.querySelectorAll("form[data-sure]").forEach((form) => {
  form.addEventListener("submit", (event) => { if (!confirm(form.dataset.sure)) event.preventDefault(); });
});
