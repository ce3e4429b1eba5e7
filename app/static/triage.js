// The level that follows from the facts ticked, told at once; the server works it out anew.
"use strict";

(() => {
  const order = ["HIGH", "MEDIUM", "LOW"];
  const show = () => {
    const place = document.querySelector("[data-proposed]"); // the form may have been answered by another one
    const ticked = [...document.querySelectorAll("[data-level]:checked")].map(({ dataset }) => dataset.level);
    const level = order.find((one) => ticked.includes(one));
    place.hidden = !level;
    place.querySelector("strong").textContent = level ? JSON.parse(place.dataset.proposed)[level] : "";
  };
  document.addEventListener("change", show);
  show();
})();
