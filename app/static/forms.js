// Forms: choosing by typing, child rows, sending without losing anything, two editors, and what is typed and not saved.

const kit = JSON.parse(document.body.dataset.words);

// --- Choosing another record by typing --------------------------------------------------------------------------

function choices(select) {
  const url = select.dataset.choices;
  if (!url || select.tomselect) return;
  const form = select.form;
  // What is typed is a name: it is posted, so that no address and no log holds it.
  const asked = (query) => {
    const parameters = new URLSearchParams({ q: query });
    if (select.dataset.for) {
      parameters.set("for", select.dataset.for);
      parameters.set("with", form.elements[select.dataset.with]?.value || "");
    }
    const token = document.querySelector("meta[name=csrf-token]").content;
    return { method: "POST", body: parameters, headers: { Accept: "application/json", "X-CSRFToken": token } };
  };
  const line = (className, textContent) => Object.assign(document.createElement("div"), { className, textContent });
  const called = (text) => text.trim().toLowerCase();
  let chosenAt = 0;
  let answered = null; // the query to which the offered ones are the answer
  const chooser = new TomSelect(select, {
    // Once the one is chosen the list is left: what was typed before must not open it again, late as it comes.
    onItemAdd() {
      if (select.multiple) return;
      chosenAt = Date.now();
      setTimeout(() => this.blur());
    },
    onDropdownOpen() {
      if (this.isFocused && Date.now() - chosenAt > 800) return;
      this.close();
      this.blur();
    },
    valueField: "value",
    labelField: "text",
    searchField: [],
    score: () => () => 1,
    sortField: [{ field: "$order" }],
    plugins: select.multiple ? ["remove_button"] : ["clear_button"],
    preload: "focus",
    loadThrottle: 200,
    shouldLoad: () => true,
    placeholder: kit.type,
    hidePlaceholder: true,
    load(query, done) {
      fetch(url, asked(query))
        .then((answer) => (answer.ok ? answer.json() : { items: [] }))
        .then(({ items }) => {
          // What was offered for another query must not stay among the answers.
          for (const value of Object.keys(this.options)) {
            if (!this.items.includes(value)) this.removeOption(value, true);
          }
          answered = query;
          done(items);
        })
        .catch(() => done());
    },
    create: select.dataset.create ? (text, done) => createInPlace(select, text, done) : false,
    // A new one is offered only when it is known that there is none of this name.
    createFilter(text) {
      return text === answered && !Object.values(this.options).some((option) => called(option.text) === called(text));
    },
    render: {
      no_results: () => line("no-results", kit.nothing),
      option_create: ({ input }) => line("create", `+ ${signing.words.create.replace("{}", input)}`),
    },
  });
  for (const name of ["aria-describedby", "aria-required", "aria-invalid"]) {
    if (select.hasAttribute(name)) chooser.control_input.setAttribute(name, select.getAttribute(name));
  }
  select.setAttribute("aria-hidden", "true"); // the chooser has taken its label and its place
  if (select.dataset.with && form) {
    form.elements[select.dataset.with]?.addEventListener("change", () => {
      chooser.clear(true);
      chooser.clearOptions();
      chooser.load("");
    });
  }
}

// --- A new record in the middle of a form -----------------------------------------------------------------------

let dialogs = 0;

// Two forms on a page: the ids of the second are made its own.
function renamed(form) {
  const prefix = `in-place-${++dialogs}-`;
  const names = ["id", "for", "aria-describedby", "aria-labelledby"];
  const inside = (root) => {
    for (const name of names) {
      for (const element of root.querySelectorAll(`[${name}]`)) element.setAttribute(name, prefix + element.getAttribute(name));
    }
    for (const link of root.querySelectorAll("a[href^='#']")) link.setAttribute("href", `#${prefix}${link.getAttribute("href").slice(1)}`);
    root.querySelectorAll("template").forEach((template) => inside(template.content));
  };
  inside(form);
  return form;
}

const parsed = (html) => new DOMParser().parseFromString(html, "text/html");

// The form of the other entity in a dialog. `done(option)` chooses the new record; without one nothing was made.
async function createInPlace(select, text, done) {
  let page;
  try {
    const answer = await signing.send(select.dataset.create, "GET");
    page = answer?.ok ? parsed(await answer.text()) : null;
  } catch {
    page = null;
  }
  if (!page) {
    say(select.form, signing.words.offline);
    return done();
  }
  const dialog = document.querySelector("template[data-in-place]").content.cloneNode(true).firstElementChild;
  dialog.querySelector("h2").textContent = page.querySelector("h1").textContent;
  const place = (form) => {
    renamed(form).querySelector("[data-cancel]")?.remove();
    const mark = Object.assign(document.createElement("input"), { type: "hidden", name: "in_place", value: "1" });
    form.setAttribute("action", select.dataset.create);
    form.append(mark);
    dialog.querySelector("form")?.remove();
    dialog.append(form);
    enliven(dialog);
    return form;
  };
  let form = place(page.querySelector("form.record-form"));
  const untouched = drafts.textOf(form);
  const naming = form.elements[select.dataset.naming];
  naming.value = text;
  let made;
  const mayLeave = () => made || drafts.textOf(form) === untouched || confirm(signing.words.unsaved);
  dialog.querySelector("[data-leave-it]").addEventListener("click", () => mayLeave() && dialog.close());
  dialog.addEventListener("cancel", (event) => {
    if (event.target === dialog && !mayLeave()) event.preventDefault();
  });
  dialog.addEventListener("close", (event) => {
    if (event.target !== dialog) return;
    dialog.remove();
    done(made);
    if (!made) focusOn(select);
  });
  dialog.addEventListener("again", ({ detail }) => { form = place(detail.querySelector("form.record-form")); });
  dialog.addEventListener("made", ({ detail }) => {
    made = detail;
    dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
  naming.focus();
}

// --- Fields -----------------------------------------------------------------------------------------------------

function grow(area) {
  if (CSS.supports("field-sizing", "content")) return;
  const fit = () => {
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight + 2, 600)}px`;
  };
  area.addEventListener("input", fit);
  if (area.offsetParent) fit();
}

// Where the browser shows days in another order, the chosen one stands below as everybody here writes it.
const shows = new Intl.DateTimeFormat(navigator.language).format(new Date(2026, 11, 31));
const strange = !/^31\.12\.2026/.test(shows);

function dayHint(input) {
  if (!strange) return;
  const hint = Object.assign(document.createElement("small"), { className: "form-hint" });
  const show = () => {
    const [year, month, day] = input.value.split(/[-T]/);
    hint.textContent = day ? signing.words.day.replace("{}", `${day}.${month}.${year}`) : "";
  };
  input.after(hint);
  input.addEventListener("input", show);
  input.addEventListener("change", show);
  show();
}

// Ticks that belong to another choice in the form (factors of another set) are out of the way and not sent.
function ticks(fieldset) {
  const by = fieldset.form.elements[fieldset.dataset.by];
  const follow = () => {
    const other = Boolean(by.value) && by.value !== fieldset.dataset.group;
    fieldset.hidden = other;
    fieldset.disabled = other;
  };
  by.addEventListener("change", follow);
  follow();
}

// What is told of the chosen one alone.
function tells(select) {
  const told = select.form.querySelectorAll("[data-told]");
  select.addEventListener("change", () => told.forEach((one) => { one.hidden = one.dataset.told !== select.value; }));
}

// Put values into the fields of a name: [[value, how it is called]].
function put(form, name, pairs, silent = false) {
  const values = pairs.map(([value]) => value);
  for (const input of form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
    if (input.type === "checkbox" || input.type === "radio") {
      input.checked = values.includes(input.value);
    } else if (input.tomselect) {
      input.tomselect.clear(true);
      for (const [value, text] of pairs) {
        input.tomselect.addOption({ value, text });
        input.tomselect.addItem(value, true);
      }
    } else {
      input.value = values[0] ?? "";
    }
    if (silent) continue;
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

// What is offered and suggested follows what is chosen: asked anew whenever that changes.
function advice(form) {
  const isNew = form.dataset.advice.endsWith("/add/advice");
  const filled = {}; // what was put in by itself: it follows until somebody types another
  for (const { dataset } of form.querySelectorAll("[data-hint]")) filled[dataset.hint] = form.elements[dataset.hint].value;
  let asked = 0;
  form.addEventListener("change", async () => {
    const turn = ++asked;
    const answer = await fetch(form.dataset.advice, { method: "POST", body: new FormData(form), headers: { Accept: "application/json", "X-CSRFToken": document.querySelector("meta[name=csrf-token]").content } }).catch(() => null);
    if (!answer?.ok || turn !== asked) return;
    for (const [name, { options, hint, value }] of Object.entries(await answer.json())) {
      const input = form.elements[name];
      const place = form.querySelector(`[data-hint="${name}"]`);
      if (place) place.innerHTML = hint;
      if (options?.length && !input.tomselect) {
        const chosen = input.value;
        input.replaceChildren(...options.map(([known, text]) => new Option(text, known, false, known === chosen)));
      }
      if (!isNew || !value || input.value !== filled[name]) continue;
      filled[name] = value[0][0];
      if (input.value !== filled[name]) put(form, name, value);
    }
  });
}

function focusOn(input) {
  const chooser = input.tomselect;
  (chooser?.control ?? input).scrollIntoView({ block: "center" });
  if (!chooser) return input.focus({ preventScroll: true });
  chooser.settings.openOnFocus = false; // to look at what is wrong there, not yet to choose
  chooser.focus();
  setTimeout(() => { chooser.settings.openOnFocus = true; }, 100);
}

// --- Child rows -------------------------------------------------------------------------------------------------

function childRows(fieldset) {
  const list = fieldset.querySelector("[data-row-list]");
  const template = fieldset.querySelector("template");
  const changed = () => {
    [...list.children].forEach((row, index) => { row.querySelector("[data-row-number]").textContent = index + 1; });
    fieldset.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const isEmpty = (row) => ![...row.querySelectorAll("input:not([type=hidden], [type=checkbox]), textarea, select[data-choices]")].some((input) => input.value);
  let next = 1 + Math.max(-1, ...[...list.querySelectorAll("[name$='-id']")].map(({ name }) => Number(name.split("-").at(-2))));
  fieldset.addRow = (index = next) => {
    next = Math.max(next, Number(index) + 1);
    const holder = document.createElement("div");
    holder.innerHTML = template.innerHTML.replaceAll("__n__", String(index));
    const row = holder.firstElementChild;
    list.append(row);
    enliven(row);
    changed();
    return row;
  };
  fieldset.addEventListener("click", (event) => {
    if (event.target.closest("[data-add-row]")) {
      fieldset.addRow().querySelector("input:not([type=hidden]), textarea, select")?.focus();
      return;
    }
    const row = event.target.closest("[data-row]");
    const gone = Boolean(event.target.closest("[data-remove-row]"));
    if (!row || !(gone || event.target.closest("[data-return-row]"))) return;
    if (gone && !row.querySelector("input[name$='-id']").value && isEmpty(row)) {
      row.remove(); // nothing was typed there: nothing to bring back
      list.parentElement.querySelector("[data-add-row]").focus();
      return changed();
    }
    shown(row, gone);
    changed();
    row.querySelector(gone ? "[data-return-row]" : "[data-remove-row]").focus();
  });
}

function shown(row, gone) {
  row.classList.toggle("removed", gone);
  row.querySelector("[data-deleted]").value = gone ? "1" : "";
}

// A kept state back into its form, with rows that the page does not have.
function restore(form, state) {
  const kept = new Set(state.map(([name]) => name));
  const valuesOf = (name) => state.filter((entry) => entry[0] === name).map(([, value, text]) => [value, text]);
  for (const fieldset of form.querySelectorAll("[data-rows]")) {
    const relation = fieldset.dataset.rows;
    const indexes = new Set([...kept].map((name) => name.match(`^${relation}-(\\d+)-`)?.[1]).filter(Boolean));
    for (const index of indexes) {
      if (!form.elements[`${relation}-${index}-id`] && fieldset.querySelector("template")) fieldset.addRow(index);
    }
  }
  // A row of the page that the kept state does not know has come later: it stays as it is.
  const late = [...form.querySelectorAll("[data-row]")].filter((row) => ![...row.querySelectorAll("[name]")].some(({ name }) => kept.has(name)));
  const inputs = [...form.elements].filter((input) => drafts.isKept(input) && !late.some((row) => row.contains(input)));
  const names = new Set(inputs.map(({ name }) => name));
  for (const name of names) put(form, name, valuesOf(name));
  // What follows another choice was emptied when that was put back.
  for (const name of names) put(form, name, valuesOf(name), true);
  for (const row of form.querySelectorAll("[data-row]")) shown(row, row.querySelector("[data-deleted]").value === "1");
}

// --- Sending ----------------------------------------------------------------------------------------------------

function say(form, text) {
  let line = form.querySelector(":scope [data-said]");
  if (!line) {
    line = document.createElement("div");
    line.className = "alert alert-danger mb-2";
    line.dataset.said = "";
    line.setAttribute("role", "alert");
    const button = form.querySelector("button:not([type=button])");
    (button.closest(".sticky-actions, .card-footer") ?? button.parentElement).prepend(line);
  }
  line.textContent = text;
  line.hidden = !text;
}

const refusals = { 403: "denied", 404: "gone", 413: "large" };
const busy = new WeakSet();
const kept = new WeakMap(); // form -> its draft

async function send(form, submitter) {
  if (busy.has(form)) return;
  busy.add(form);
  submitter?.setAttribute("aria-busy", "true");
  say(form, "");
  kept.get(form)?.write();
  const body = () => {
    const data = new FormData(form, submitter);
    data.set("csrf_token", document.querySelector("meta[name=csrf-token]").content);
    return data;
  };
  try {
    const answer = await signing.send(form.getAttribute("action") ?? location.href, "POST", body);
    if (!answer) say(form, signing.words.left);
    else await answered(form, answer);
  } catch {
    say(form, signing.words.offline);
  } finally {
    busy.delete(form);
    submitter?.removeAttribute("aria-busy");
  }
}

async function answered(form, answer) {
  const isJson = answer.headers.get("Content-Type")?.startsWith("application/json");
  if (!isJson && (answer.ok || [409, 422].includes(answer.status))) return again(form, parsed(await answer.text()));
  if (!answer.ok) return say(form, (isJson && (await answer.json()).error) || signing.words[refusals[answer.status] ?? "failed"]);
  const { to, ...made } = await answer.json();
  kept.get(form)?.end();
  if (made.value) {
    form.dispatchEvent(new CustomEvent("made", { bubbles: true, detail: made }));
  } else if ("stays" in form.dataset) {
    form.dispatchEvent(new CustomEvent("written"));
    keepDraft(form);
  } else {
    location.assign(to);
  }
}

// The server has something to say of the form: its answer stands where the form stood.
function again(form, page) {
  const holder = form.closest("dialog, [data-stays]");
  if (holder) {
    holder.dispatchEvent(new CustomEvent("again", { detail: page }));
  } else {
    kept.get(form)?.end();
    const content = document.querySelector("#content");
    content.replaceChildren(...page.querySelector("#content").childNodes);
    content.querySelector("form[data-guard]")?.setAttribute("data-unsaved", "");
    enliven(content);
  }
  lookAtFaults(holder ?? document);
}

// To the first field with a fault; of two editors, to what is said of them.
function lookAtFaults(root) {
  const wrong = [...root.querySelectorAll("form .is-invalid:not(.ts-wrapper)")].find((input) => !input.closest(".removed"));
  const told = root.querySelector("[data-focus]");
  if (wrong && told?.querySelector("[data-goto]")) {
    told.scrollIntoView({ block: "start" });
    focusOn(wrong);
  } else {
    told?.focus();
  }
}

const AWAKE = 5 * 60 * 1000;
let said = Date.now();

function keepDraft(form) {
  kept.set(form, drafts.keep(form, (state) => restore(form, state)));
}

function guard(form) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form, event.submitter);
  });
  form.addEventListener("input", () => {
    // Somebody who types is not away: without a word the server would sign him out after half an hour.
    if (Date.now() - said < AWAKE) return;
    said = Date.now();
    fetch(location.href, { method: "HEAD" }).catch(() => {});
  });
  if (form.closest("dialog")) return;
  keepDraft(form);
  form.addEventListener("leave", () => kept.get(form).end());
}

const guarded = () => document.querySelectorAll("form[data-guard]");

addEventListener("beforeunload", (event) => {
  if ([...guarded()].some((form) => kept.get(form)?.isDirty())) event.preventDefault();
});

document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.code !== "KeyS") return;
  const form = [...document.querySelectorAll("dialog[open]")].at(-1)?.querySelector("form[data-guard]") ?? guarded()[0];
  if (!form) return;
  event.preventDefault();
  form.requestSubmit(form.querySelector("button:not([type=button])"));
});

document.addEventListener("click", (event) => {
  const take = event.target.closest("[data-take][data-value]");
  if (take) put(take.closest("form"), take.dataset.take, JSON.parse(take.dataset.value));
  const link = event.target.closest("[data-goto]");
  const place = link && document.getElementById(link.getAttribute("href").slice(1));
  if (place) {
    event.preventDefault();
    focusOn(place);
  }
});

// --- What comes to life -----------------------------------------------------------------------------------------

function enliven(root) {
  const all = (selector) => root.querySelectorAll(selector);
  all("select[data-choices]").forEach(choices);
  all("textarea[data-grow]").forEach(grow);
  all("form input[type=date], form input[type=datetime-local]").forEach(dayHint);
  all("[data-rows]").forEach(childRows);
  all("form[data-advice]").forEach(advice);
  all("fieldset[data-by]").forEach(ticks);
  all("select[data-tells]").forEach(tells);
  if (signing) all("form[data-guard]").forEach(guard);
}

enliven(document);
lookAtFaults(document);
