// The level that follows from the facts ticked, told at once; the server works it out anew.
"use strict";

(() => {
  const place = document.querySelector("[data-proposed]");
  const names = JSON.parse(place.dataset.proposed);
  const order = ["HIGH", "MEDIUM", "LOW"];
  const show = () => {
    const ticked = [...document.querySelectorAll("[data-level]:checked")].map(({ dataset }) => dataset.level);
    const level = order.find((one) => ticked.includes(one));
    place.hidden = !level;
    place.querySelector("strong").textContent = level ? names[level] : "";
  };
  document.addEventListener("change", show);
  show();
})();
