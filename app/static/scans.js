// Attaching signed papers: files are dropped or chosen, listed, and sent one by one; what was not taken stays listed.
"use strict";

for (const form of document.querySelectorAll("[data-scans]")) {
  const texts = JSON.parse(form.dataset.words);
  const input = form.querySelector("[name=file]");
  const list = form.querySelector("[data-chosen]");
  const drop = form.querySelector("[data-drop]");
  const status = form.querySelector("[data-status]");
  const button = form.querySelector("button.btn-primary");
  let chosen = [];

  const note = (name, message) => {
    const place = form.querySelector(`#${name}-note`);
    place.querySelector(".invalid-feedback")?.remove();
    form.elements[name].classList.toggle("is-invalid", Boolean(message));
    if (!message) return;
    const words = Object.assign(document.createElement("div"), { className: "invalid-feedback d-block", textContent: message });
    words.setAttribute("role", "alert");
    place.prepend(words);
  };

  const draw = () => {
    list.replaceChildren(...chosen.map((one) => {
      const line = document.createElement("li");
      const name = Object.assign(document.createElement("span"), { textContent: one.file.name });
      const away = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-sm btn-ghost-secondary", textContent: texts.remove });
      away.setAttribute("aria-label", `${texts.remove}: ${one.file.name}`);
      away.addEventListener("click", () => { chosen = chosen.filter((other) => other !== one); draw(); });
      line.append(name, away);
      if (one.wrong) line.append(Object.assign(document.createElement("div"), { className: "text-danger", textContent: one.wrong }));
      return line;
    }));
  };

  const add = (files) => {
    const most = Number(form.dataset.most);
    for (const file of files) chosen.push({ file, wrong: file.size > most ? texts.large : "" });
    note("file", "");
    draw();
  };

  input.addEventListener("change", () => { add(input.files); input.value = ""; });
  drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("scan-over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("scan-over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("scan-over");
    add(event.dataTransfer.files);
  });

  // One file: null when it was taken, else what is wrong by field.
  const send = async (file) => {
    const body = new FormData(form);
    body.set("file", file);
    const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
    if (answer.status === 201) return null;
    if (answer.status === 422) return (await answer.json()).errors;
    throw new Error(String(answer.status));
  };

  form.addEventListener("submit", async (event) => {
    if (!chosen.length) return; // the server says what is missing
    event.preventDefault();
    button.disabled = true;
    const waiting = chosen.filter((one) => !one.wrong || one.wrong === texts.lost);
    let n = 0;
    for (const one of waiting) {
      status.textContent = texts.sending.replace("%(n)s", ++n).replace("%(all)s", waiting.length);
      try {
        const { file: wrong = "", ...fields } = (await send(one.file)) || {};
        for (const name of ["signed_on", "note"]) note(name, fields[name]);
        one.wrong = wrong;
        if (Object.keys(fields).length) break;
        if (!wrong) chosen = chosen.filter((other) => other !== one);
      } catch {
        one.wrong = texts.lost;
        break;
      }
    }
    status.textContent = "";
    button.disabled = false;
    draw();
    if (!chosen.length) location.assign(form.dataset.back);
    else form.querySelector(".is-invalid, [data-chosen] .btn")?.focus();
  });
}
