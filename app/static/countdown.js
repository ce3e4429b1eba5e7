// How long there is yet, or how late it is: gone on with from what the server has drawn, without asking it. Only the
// seconds that have passed since are taken from this computer, whose clock may be wrong.
"use strict";

(() => {
  const MINUTE = 60, HOUR = 3600, DAY = 86400;
  const told = ({ dataset }, seconds) => {
    const minutes = Math.ceil(Math.abs(seconds) / MINUTE);
    const parts = [Math.floor((minutes * MINUTE) / DAY), Math.floor((minutes * MINUTE) / HOUR) % 24, minutes % 60];
    const units = dataset.units.split(",");
    const time = parts.map((n, at) => (n ? `${n} ${units[at]}` : "")).filter(Boolean).join(" ") || `0 ${units[2]}`;
    return (seconds < 0 ? dataset.late : dataset.left).replace("%(time)s", time);
  };
  const started = performance.now();
  setInterval(() => {
    const passed = (performance.now() - started) / 1000;
    document.querySelectorAll(".countdown").forEach((place) => {
      const seconds = place.dataset.seconds - passed;
      const text = told(place, seconds);
      place.classList.toggle("is-late", seconds < 0);
      if (place.textContent !== text) place.textContent = text;
    });
  }, 1000);
})();
