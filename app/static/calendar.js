// The calendar: an entry dragged to another day is the small form of that entry, filled in and sent. Without scripts, and
// by the keyboard, the form does the same.
"use strict";

let dragged = null;

document.querySelectorAll("[data-move]").forEach((entry) => {
  entry.addEventListener("dragstart", (event) => {
    dragged = entry;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", ""); // Firefox drags nothing without it
    entry.classList.add("cal-dragged");
  });
  entry.addEventListener("dragend", () => {
    dragged = null;
    entry.classList.remove("cal-dragged");
    document.querySelectorAll(".cal-over").forEach((day) => day.classList.remove("cal-over"));
  });
});

document.querySelectorAll("[data-day]").forEach((day) => {
  const takes = () => dragged && dragged.closest("[data-day]") !== day;
  day.addEventListener("dragover", (event) => {
    if (!takes()) return;
    event.preventDefault();
    day.classList.add("cal-over");
  });
  day.addEventListener("dragleave", (event) => {
    if (!day.contains(event.relatedTarget)) day.classList.remove("cal-over");
  });
  day.addEventListener("drop", (event) => {
    if (!takes()) return;
    event.preventDefault();
    const form = dragged.querySelector("form");
    form.elements.on.value = day.dataset.day;
    form.requestSubmit();
  });
});

// A small form is left by Escape, or by going elsewhere.
const opened = () => document.querySelector(".cal-move[open]");
document.addEventListener("keydown", (event) => {
  const form = opened();
  if (event.key !== "Escape" || !form) return;
  form.open = false;
  form.querySelector("summary").focus();
});
document.addEventListener("click", (event) => {
  const form = opened();
  if (form && !form.contains(event.target)) form.open = false;
});
document.querySelectorAll(".cal-move").forEach((form) => {
  form.addEventListener("toggle", () => { if (form.open) form.querySelector("input[type=date]").focus(); });
});

document.querySelectorAll("form[data-at-once] select").forEach((select) => {
  select.form.querySelector("button").hidden = true;
  select.addEventListener("change", () => select.form.requestSubmit());
});
