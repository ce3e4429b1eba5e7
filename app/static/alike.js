// Under the name that is being typed: who is there already. What is typed is posted, never in an address.
"use strict";

(() => {
  const PAUSE = 500;
  const token = document.querySelector("meta[name=csrf-token]")?.content || "";
  const states = new WeakMap();

  // Where the fields of a record stand: `{url, id, prefix, fields: {name: "name", born: "born_on"}}`.
  function watch(root, event) {
    const about = JSON.parse(root.dataset.alike);
    const inputs = {};
    for (const [what, name] of Object.entries(about.fields)) {
      inputs[what] = root.querySelector(`[name="${about.prefix || ""}${name}"]`);
    }
    if (!inputs.name || !Object.values(inputs).includes(event.target)) return;
    const state = states.get(root) || { timer: 0, asked: 0, last: "" };
    states.set(root, state);
    clearTimeout(state.timer);
    state.timer = setTimeout(() => ask(about, inputs, state), PAUSE);
  }

  function place(name) {
    const known = name.parentElement.querySelector(":scope > [data-alike-offers]");
    if (known) return known;
    const made = document.createElement("div");
    made.dataset.alikeOffers = "";
    made.className = "alike";
    made.setAttribute("role", "status");
    name.after(made);
    return made;
  }

  async function ask(about, inputs, state) {
    const values = { id: about.id || "" };
    for (const [what, input] of Object.entries(inputs)) values[what] = input?.value.trim() || "";
    const question = JSON.stringify(values);
    if (question === state.last) return;
    state.last = question;
    const mine = ++state.asked;
    const offers = place(inputs.name);
    if (values.name.length < 3) return offers.replaceChildren();
    try {
      const sent = await fetch(about.url, {
        method: "POST",
        body: new URLSearchParams(values),
        headers: { "X-CSRFToken": token },
      });
      // An offer is a help and no condition: without an answer there is none.
      const answer = sent.ok && !sent.redirected ? await sent.text() : "";
      if (mine === state.asked) offers.innerHTML = answer;
    } catch {
      if (mine === state.asked) offers.replaceChildren();
    }
  }

  for (const kind of ["input", "change"]) {
    document.addEventListener(kind, (event) => {
      const root = event.target.closest?.("[data-alike]");
      if (root) watch(root, event);
    });
  }
})();
