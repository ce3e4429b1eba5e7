// The plan's table. The page itself is the draft: what it shows is compared with what the server last said, and the
// difference is sent, one batch at a time, until there is none. So nothing has to be queued, repeated or merged by
// hand: a lost connection only means that the difference stays a while longer, here and in the browser's store.

const paper = document.querySelector("[data-plan-table]");
const table = paper.querySelector(":scope > table");
const words = JSON.parse(paper.dataset.words);
const writable = table.classList.contains("writable"); // else at most marks of completion are written
const store = `plan:${paper.dataset.user}:${paper.dataset.planTable}`;
const IDLE = 4_000; // ms without a keystroke, after which a cell is saved while it is still being typed in
const TOAST = 15_000;
const FITS = 60_000; // bytes that a leaving page may still send

let known = new Map(); // what the server has: name of the plan, a goal or a row -> its version and texts
let arranged = []; // ... and its order: [[goal, [rows]]]
const memory = new WeakMap(); // cell -> { base: the stored text, saved: what the cell showed when it was last in step }
const dropped = new Set(); // names of what was deleted here

// --- Cells ----------------------------------------------------------------------------------------------------

const all = (selector, root = paper) => [...root.querySelectorAll(selector)];
const recordOf = (element) => element.closest("[data-record]");
const cellsOf = (record) => all("[data-field]", record).filter((cell) => recordOf(cell) === record);
const cellOf = (record, field) => cellsOf(record).find((cell) => cell.dataset.field === field);
const find = (key) => (key ? paper.querySelector(`[data-record="${CSS.escape(key)}"]`) : null);
const isPeople = (cell) => cell.classList.contains("people");
const namesIn = (text) => text.split(";").map((name) => name.trim()).filter(Boolean);

function read(cell) {
  if (!isPeople(cell)) return cell.value;
  const names = all("[data-name]", cell).map((chip) => chip.dataset.name);
  return [...names, ...namesIn(cell.querySelector("input").value)].join("; ");
}

function write(cell, text) {
  if (isPeople(cell)) {
    for (const chip of all("[data-name]", cell)) chip.remove();
    cell.querySelector("input").value = "";
    addPeople(cell, text);
  } else {
    cell.value = text;
  }
  settle(cell);
}

// Empty cells are told to the style sheet; a browser that does not size fields by itself is helped.
function settle(cell) {
  cell.toggleAttribute("data-empty", !read(cell).trim());
  if (cell.tagName === "TEXTAREA" && !CSS.supports("field-sizing", "content")) {
    cell.style.height = "auto";
    cell.style.height = `${cell.scrollHeight}px`;
  }
}

const isDirty = (cell) => read(cell) !== memory.get(cell).saved;
const isNew = (record) => !known.has(record.dataset.record);
const hasWords = (record) => cellsOf(record).some((cell) => read(cell).trim());
const isAside = (element) => Boolean(element.closest("[data-lost]"));

// A goal needs its text, a row an action: before that there is nothing the server could keep.
function isReady(record) {
  const filled = (field) => read(cellOf(record, field)).trim();
  if (record.dataset.of === "goal") return Boolean(filled("text"));
  const goal = record.parentElement;
  return Boolean(filled("parents_action") || filled("specialists_action")) && (!isNew(goal) || isReady(goal));
}

// --- The difference -------------------------------------------------------------------------------------------

// Without `everything`: what can be sent now. With it: all that is not stored yet, for the browser's own store.
function difference(everything = false) {
  const change = { set: [], add: [], order: [], remove: {} };
  const here = new Set();
  let rows = [];
  for (const record of all("[data-record]")) {
    if (isAside(record) && !everything) continue;
    const { record: key, of } = record.dataset;
    here.add(key);
    if (!isNew(record)) {
      for (const cell of cellsOf(record)) {
        const { base, refused, theirs } = memory.get(cell);
        const waits = theirs !== undefined || refused === read(cell) || cell.validity?.badInput;
        if (isDirty(cell) && (everything || !waits)) {
          change.set.push({ key, field: cell.dataset.field, value: read(cell), was: base });
        }
      }
    } else if (everything ? hasWords(record) : isReady(record) && !isRefused(record)) {
      // An empty cell of something quite new is not named: there the server may propose, as a day for a term.
      const named = cellsOf(record).filter((cell) => read(cell) || memory.get(cell).saved !== undefined);
      const values = Object.fromEntries(named.map((cell) => [cell.dataset.field, read(cell)]));
      change.add.push({ key, values, goal: of === "row" ? record.parentElement.dataset.record : null });
      if ("lost" in record.dataset) change.add.at(-1).lost = true;
    } else {
      continue;
    }
    if (of === "goal") change.order.push({ key, rows: (rows = []) });
    if (of === "row") rows.push(key);
  }
  if (!writable) return { ...change, order: [] };
  for (const [key, { version }] of known) if (!here.has(key)) change.remove[key] = version;
  const before = arranged.filter(([goal]) => here.has(goal)).map(([goal, keys]) => [goal, keys.filter((key) => here.has(key))]);
  if (JSON.stringify(before) === JSON.stringify(change.order.map((goal) => [goal.key, goal.rows]))) change.order = [];
  return change;
}

const isEmpty = (change) => !(change.set.length || change.add.length || change.order.length || Object.keys(change.remove).length);
const isRefused = (record) => cellsOf(record).some((cell) => memory.get(cell).refused === read(cell));

// --- The server's word ----------------------------------------------------------------------------------------

function storedIn(state) {
  const stored = new Map([["plan", { values: state.plan }]]);
  for (const goal of state.goals) {
    stored.set(goal.key, { version: goal.version, values: goal, of: "goal" });
    for (const row of goal.rows) stored.set(row.key, { version: row.version, values: row, of: "row", goal: goal.key });
  }
  return stored;
}

// Take over what is stored. `sent`: cell -> the text that was just written, when it was.
function merge(state, sent = new Map()) {
  const stored = storedIn(state);
  const order = state.goals.map((goal) => [goal.key, goal.rows.map((row) => row.key)]);
  const inStep = difference().order.length === 0;
  for (const key of known.keys()) {
    const record = stored.has(key) ? null : find(key);
    if (!record || isAside(record)) continue;
    const inside = [record, ...all("[data-record]", record)];
    const typed = inside.flatMap((one) => cellsOf(one).filter(isNew(one) ? read : isDirty));
    if (typed.length && writable) {
      loseTo(record);
    } else {
      leave(typed.map(read));
      discard(record);
    }
  }
  for (const [key, { values, of, goal }] of stored) {
    let record = find(key);
    if (!record) {
      if (known.has(key) || dropped.has(key) || !writable) continue; // deleted here, and not yet there
      record = place(blank(of, key), goal);
      if (!record) continue;
    }
    for (const cell of cellsOf(record)) reconcile(cell, values[cell.dataset.field], sent);
  }
  known = stored;
  arranged = order;
  if (inStep) arrange(order);
  number();
  for (const element of all("[data-version]", document)) {
    if (element.tagName === "INPUT") element.value = state.version;
    else element.search = `?version=${state.version}`;
  }
  if (state.status !== first.status) overtaken = true;
}

function reconcile(cell, text, sent) {
  const memo = memory.get(cell);
  if (sent.has(cell)) {
    memo.base = text;
    memo.saved = sent.get(cell);
    // Trimmed by the server: taken over when nobody is typing there.
    if (!isDirty(cell) && text !== read(cell) && !cell.contains(document.activeElement)) {
      write(cell, text);
      memo.saved = read(cell);
    }
  } else if (memo.saved === undefined || !isDirty(cell)) {
    if (text !== memo.base) write(cell, text);
    memo.base = text;
    memo.saved = read(cell);
  } // else it was typed in meanwhile: the server will compare with what was there before
}

// --- Saving ---------------------------------------------------------------------------------------------------

let sending = false;
let again = false;
let leaving = false;
let leftovers = []; // texts from an earlier visit for which the plan has no place any more
let problem = null; // [words, button, action]
let overtaken = false; // the plan has gone on in its life: this page is not its page any more
let pause = 0;
let last = "";
let idle, retry, keeping;

async function save() {
  clearTimeout(idle);
  clearTimeout(retry);
  keep();
  if (sending) {
    again = true;
    return;
  }
  const change = difference();
  if (isEmpty(change)) {
    problem = null;
    last = "";
    report();
    return;
  }
  const sent = new Map();
  for (const { key, field, value } of change.set) sent.set(cellOf(find(key), field), value);
  for (const { key } of change.add) for (const cell of cellsOf(find(key))) sent.set(cell, read(cell));
  sending = true;
  report();
  const [status, answer] = await post(change);
  await released();
  sending = false;
  const same = last === JSON.stringify(change);
  last = JSON.stringify(change);
  if (status === 200) {
    problem = null;
    pause = 0;
    last = "";
    for (const key of Object.keys(change.remove)) known.delete(key);
    merge(answer.state, sent);
  } else if (status === 409 || status === 422) {
    problem = null;
    answer.wrong?.forEach(refuse);
    answer.changed?.forEach((key) => giveBack(key, words.changed));
    merge(answer.state);
    answer.cells?.forEach(({ key, field, stored }) => find(key) && showClash(cellOf(find(key), field), stored));
    if (same) return later(answer.wrong?.find(({ key }) => !find(key))?.message || words.refused);
  } else if (status === 403) {
    return trouble(words.denied, words.again, save);
  } else if (status === 404) {
    return trouble(words.gone);
  } else if (status === "out" || status === 401) {
    return later(words.signed_out, words.sign_in, async () => (await signing.again()) && save());
  } else {
    return later(status === 0 ? words.offline : words.server);
  }
  keep();
  if (again || !isEmpty(difference())) {
    again = false;
    return save();
  }
  report();
}

const token = () => document.querySelector("meta[name=csrf-token]");

function request(body, options = {}) {
  const headers = { "Content-Type": "application/json", "X-CSRFToken": token().content };
  return fetch(location.pathname, { method: "POST", redirect: "manual", headers, body, ...options });
}

// The status and the answer; 0 for no connection, "out" when a sign-in is asked for.
async function post(change) {
  const body = JSON.stringify(change);
  try {
    let answer = await request(body);
    if (answer.status === 400) {
      // Signed in anew in another tab: this page's token went with the old session.
      const page = await fetch(location.pathname, { redirect: "manual", headers: { Accept: "text/html" } });
      if (page.type === "opaqueredirect") return ["out"];
      const fresh = new DOMParser().parseFromString(await page.text(), "text/html").querySelector("meta[name=csrf-token]");
      if (!fresh || fresh.content === token().content) return [400];
      token().content = fresh.content;
      answer = await request(body);
    }
    if (answer.type === "opaqueredirect") return ["out"];
    const isJson = answer.headers.get("Content-Type")?.startsWith("application/json");
    return isJson ? [answer.status, await answer.json()] : [answer.status === 200 ? 500 : answer.status];
  } catch {
    return [0];
  }
}

function later(text, button = words.again, action = save) {
  pause = Math.min(pause ? pause * 2 : 2_000, 30_000);
  retry = setTimeout(save, pause);
  trouble(text, button, action);
}

// What is not stored yet also lies in the browser, should the page go: by person and plan.
function keep() {
  clearTimeout(keeping);
  const change = { ...difference(true), leftovers };
  try {
    if (isEmpty(change) && !leftovers.length) localStorage.removeItem(store);
    else localStorage.setItem(store, JSON.stringify(change));
  } catch {
    // The browser keeps nothing, or has no room: the page still does.
  }
}

function restore() {
  let change;
  try {
    change = JSON.parse(localStorage.getItem(store));
  } catch {
    localStorage.removeItem(store);
  }
  if (!change) return;
  const homeless = [...(change.leftovers ?? [])];
  for (const { key, goal, values, lost } of change.add) {
    let record = find(key);
    if (!record && writable) record = place(blank(goal === null ? "goal" : "row", key), goal);
    for (const [field, value] of Object.entries(values)) {
      const cell = record && cellOf(record, field);
      if (cell) write(cell, value);
      else homeless.push(value);
    }
    if (lost && record) loseTo(record);
  }
  if (writable) arrange(change.order.map(({ key, rows }) => [key, rows]));
  for (const { key, field, value, was } of change.set) {
    const cell = find(key) && cellOf(find(key), field);
    if (!cell) {
      homeless.push(value);
    } else if (read(cell) !== value) {
      write(cell, value);
      memory.get(cell).base = was;
    }
  }
  leave(homeless);
  number();
}

// --- What the person is told ----------------------------------------------------------------------------------

const status = paper.querySelector("[data-status]");

function trouble(text, button, action) {
  problem = [text, button, action];
  report();
}

function report() {
  if (!status) return;
  const marked = paper.querySelector(".is-wrong, .clash");
  const shown = (overtaken && [words.status, words.reload, () => location.reload()]) || problem || (marked && [words.look, words.show, () => goTo(marked)]);
  const calm = sending || !isEmpty(difference(true)) ? words.unsaved : words.saved;
  const text = shown ? shown[0] : calm;
  status.classList.toggle("trouble", Boolean(shown));
  if (status.firstChild?.textContent === text) return;
  status.replaceChildren(Object.assign(document.createElement("span"), { textContent: text }));
  if (shown?.[1]) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: shown[1] });
    button.addEventListener("click", shown[2]);
    status.append(" ", button);
  }
}

function goTo(element) {
  element.scrollIntoView({ block: "center" });
  (element.matches("textarea, input") ? element : element.querySelector("button, textarea, input"))?.focus();
}

function template(name) {
  return paper.querySelector(`template[data-blank="${name}"]`).content.cloneNode(true).querySelector("*");
}

// A sentence beside a cell, or beside the first cell of a record.
function note(cell, text) {
  unnote(cell);
  cell.classList.add("is-wrong");
  const id = `note-${recordOf(cell).dataset.record}-${cell.dataset.field}`;
  const line = Object.assign(document.createElement("div"), { className: "note", id, textContent: text });
  line.setAttribute("role", "alert");
  const input = isPeople(cell) ? cell.querySelector("input") : cell;
  input.setAttribute("aria-describedby", id);
  input.setAttribute("aria-invalid", "true");
  (cell.closest("label") || cell).after(line);
}

function unnote(cell) {
  if (!cell.classList.contains("is-wrong")) return;
  cell.classList.remove("is-wrong");
  const input = isPeople(cell) ? cell.querySelector("input") : cell;
  document.getElementById(input.getAttribute("aria-describedby"))?.remove();
  input.removeAttribute("aria-describedby");
  input.removeAttribute("aria-invalid");
}

function refuse({ key, field, message }) {
  const record = find(key) || giveBack(key);
  if (!record) return;
  const cells = cellsOf(record);
  const cell = cells.find((one) => one.dataset.field === field) || cells.find(isDirty) || cells[0];
  // The fault may be of several cells together: the record waits until any of them is typed in.
  for (const one of cells) memory.get(one).refused = read(one);
  note(cell, message);
}

function beside(record, element) {
  const line = record.dataset.of === "goal" ? record.firstElementChild : record;
  if (line.tagName !== "TR") {
    line.append(element);
    return element;
  }
  const aside = document.createElement("tr");
  aside.className = "aside";
  aside.dataset.asideOf = record.dataset.record;
  aside.append(Object.assign(document.createElement("td"), { colSpan: 5 }));
  aside.firstChild.append(element);
  line.after(aside);
  return aside;
}

// Both texts side by side; the person decides.
function showClash(cell, stored) {
  const memo = memory.get(cell);
  memo.panel?.remove();
  memo.theirs = stored;
  const clash = template("clash");
  clash.querySelector("[data-mine]").textContent = read(cell) || "—";
  clash.querySelector("[data-theirs]").textContent = stored || "—";
  cell.classList.add("is-wrong");
  const decide = (text) => {
    memo.base = stored;
    memo.theirs = memo.panel = undefined;
    cell.classList.remove("is-wrong");
    if (text !== undefined) {
      write(cell, text);
      memo.saved = read(cell);
    }
    panel.remove();
    (isPeople(cell) ? cell.querySelector("input") : cell).focus();
    save();
  };
  clash.querySelector("[data-keep]").addEventListener("click", () => decide());
  clash.querySelector("[data-take]").addEventListener("click", () => decide(stored));
  const panel = (memo.panel = beside(recordOf(cell), clash));
}

// Words for which the plan has no place any more: shown, and kept until they are not needed.
function leave(texts) {
  leftovers.push(...texts.filter(Boolean));
  if (!leftovers.length) return;
  paper.querySelector("[data-leftovers]")?.remove();
  const panel = template("leftovers");
  panel.querySelector("[data-theirs]").textContent = leftovers.join("\n\n");
  panel.querySelector("[data-take]").addEventListener("click", () => {
    leftovers = [];
    panel.remove();
    save();
  });
  table.before(panel);
}

// Deleted by somebody else while it was being typed in.
function loseTo(record) {
  record.dataset.lost = "";
  const panel = beside(record, template("gone"));
  panel.querySelector("[data-keep]").addEventListener("click", () => {
    delete record.dataset.lost;
    panel.remove();
    save();
  });
  panel.querySelector("[data-take]").addEventListener("click", () => {
    panel.remove();
    discard(record);
    save();
  });
}

// --- Goals and rows -------------------------------------------------------------------------------------------

function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function blank(of, key = newKey()) {
  const made = template(of);
  const record = of === "goal" ? made.querySelector("tbody") : made;
  record.dataset.record = key;
  for (const cell of cellsOf(record)) {
    memory.set(cell, { base: "", saved: undefined });
    settle(cell);
  }
  return record;
}

// A new goal stands last, a new row last of its goal; nothing without its goal.
function place(record, goal) {
  if (record.dataset.of === "goal") {
    table.append(record);
    return record;
  }
  const parent = find(goal);
  parent?.insertBefore(record, footOf(parent));
  return parent && record;
}

const footOf = (goal) => goal.querySelector(":scope > .more"); // none where only marks are written
const goals = () => all(":scope > tbody", table);
const rowsOf = (goal) => all(':scope > [data-of="row"]', goal);
const asides = (record) => all(`[data-aside-of="${record.dataset.record}"]`);

function discard(record) {
  for (const aside of asides(record)) aside.remove();
  record.remove();
}

// Rows of what somebody else said go where their record goes.
function regroup() {
  for (const aside of all("[data-aside-of]").reverse()) {
    const record = find(aside.dataset.asideOf);
    const line = record?.dataset.of === "goal" ? record.firstElementChild : record;
    if (line && line.nextElementSibling !== aside) line.after(aside);
  }
}

function number() {
  if (writable) all("[data-number]").forEach((line, index) => { line.textContent = `${index + 1}.`; });
}

// Put what is here into this order; what the order does not name keeps its goal and stands after the rest.
function arrange(order) {
  const stored = (records) => records.map((record) => record.dataset.record).filter((key) => known.has(key));
  const here = stored(goals()).map((key) => [key, stored(rowsOf(find(key)))]);
  if (JSON.stringify(here) === JSON.stringify(order)) return;
  const focused = document.activeElement;
  for (const [key, rows] of order) {
    const goal = find(key);
    if (!goal) continue;
    table.append(goal);
    const own = rows.map(find).filter(Boolean);
    const others = rowsOf(goal).filter((row) => !own.includes(row));
    for (const row of [...own, ...others]) goal.insertBefore(row, footOf(goal));
  }
  regroup();
  if (focused !== document.activeElement) focused.focus();
}

function add(record) {
  number();
  const cell = cellsOf(record)[0];
  cell.focus();
  record.scrollIntoView({ block: "nearest" });
}

function addRow(goal, after = null) {
  const row = blank("row");
  goal.insertBefore(row, after ? after.nextElementSibling : footOf(goal));
  add(row);
}

function addGoal() {
  const goal = blank("goal");
  table.append(goal);
  add(goal);
}

// A move keeps the keyboard where it was.
function moved(record, place) {
  const focused = document.activeElement;
  place();
  regroup();
  number();
  focused.focus();
  record.scrollIntoView({ block: "nearest" });
  save();
}

function step(record, down) {
  const goal = record.dataset.of === "goal" ? record : record.parentElement;
  const [next, previous] = [goals()[goals().indexOf(goal) + 1], goals()[goals().indexOf(goal) - 1]];
  const other = down ? next : previous;
  if (record === goal) {
    if (other) moved(goal, () => (down ? other.after(goal) : other.before(goal)));
    return;
  }
  const siblings = rowsOf(goal);
  const sibling = siblings[siblings.indexOf(record) + (down ? 1 : -1)];
  if (sibling) moved(record, () => (down ? sibling.after(record) : sibling.before(record)));
  else if (other) moveTo(record, other, down);
}

// To another goal: to its beginning when it comes from above, else to its end.
function moveTo(row, goal, begin = false) {
  const before = (begin && rowsOf(goal)[0]) || footOf(goal);
  moved(row, () => goal.insertBefore(row, before));
}

// --- Deleting and taking it back ------------------------------------------------------------------------------

const toast = paper.querySelector("[data-toast]");
const graves = []; // what was deleted here: the names that went, and how to put them back
let buried = null;
let fading;

function remove(record) {
  const isGoal = record.dataset.of === "goal";
  const [parent, after] = [record.parentElement, record.nextElementSibling];
  const neighbour = after?.matches("[data-record]") ? after : record.previousElementSibling;
  const keys = [record, ...all("[data-record]", record)].map((one) => one.dataset.record);
  const grave = {
    keys,
    next: neighbour?.querySelector("[data-menu-of]"),
    open() {
      if (!isGoal && !parent.isConnected) return null;
      parent.insertBefore(record, after?.parentElement === parent ? after : isGoal ? null : footOf(parent));
      for (const key of keys) {
        dropped.delete(key);
        for (const cell of cellsOf(find(key))) {
          const { theirs } = memory.get(cell);
          if (theirs !== undefined) showClash(cell, theirs);
        }
      }
      graves.splice(graves.indexOf(grave), 1);
      number();
      return record;
    },
  };
  graves.push(grave);
  for (const key of keys) dropped.add(key);
  discard(record);
  number();
  buried = grave;
  toast.firstElementChild.textContent = isGoal ? words.deleted_goal : words.deleted_row;
  toast.hidden = false;
  toast.querySelector("button").focus();
  fade();
  save();
}

function fade() {
  clearTimeout(fading);
  fading = setTimeout(() => (toast.matches(":focus-within, :hover") ? fade() : closeToast()), TOAST);
}

function closeToast() {
  clearTimeout(fading);
  const focused = toast.contains(document.activeElement);
  toast.hidden = true;
  if (focused) (buried?.next?.isConnected ? buried.next : paper.querySelector("[data-add-goal]"))?.focus();
  buried = null;
}

function undo() {
  const record = buried?.open();
  closeToast();
  if (!record) return;
  record.querySelector("[data-menu-of]")?.focus();
  record.scrollIntoView({ block: "nearest" });
  save();
}

// Put back what the server does not let go; a row that went with its goal comes back with it.
function giveBack(key, message) {
  const grave = graves.find(({ keys }) => keys.includes(key));
  const record = find(key) || grave?.open();
  if (grave && grave === buried) closeToast();
  if (record && message) note(cellsOf(record)[0], message);
  return record;
}

toast?.querySelector("[data-undo]").addEventListener("click", undo);
toast?.addEventListener("keydown", (event) => {
  if (event.key === "Escape" || event.key === "Tab") {
    event.preventDefault();
    closeToast();
  }
});

// --- The menu of a goal or a row ------------------------------------------------------------------------------

const menu = paper.querySelector("[data-menu]");

function choices(record) {
  const isGoal = record.dataset.of === "goal";
  const goal = isGoal ? record : record.parentElement;
  const list = [[words.up, () => step(record, false)], [words.down, () => step(record, true)]];
  if (isGoal) {
    list.push([words.heading, () => {
      record.querySelector(".heading").hidden = false;
      cellOf(record, "heading").focus();
    }]);
  } else {
    goals().forEach((other, index) => {
      if (other !== goal) list.push([words.to_goal.replace("{}", index + 1), () => moveTo(record, other)]);
    });
    list.push([words.add_row, () => addRow(goal, record)]);
  }
  list.push([isGoal ? words.delete_goal : words.delete_row, () => remove(record), "text-danger"]);
  return list;
}

function openMenu(button) {
  const record = recordOf(button);
  menu.replaceChildren(...choices(record).map(([text, action, colour = ""]) => {
    const item = document.createElement("button");
    Object.assign(item, { type: "button", textContent: text, tabIndex: -1, className: `dropdown-item ${colour}` });
    item.setAttribute("role", "menuitem");
    item.addEventListener("click", () => {
      closeMenu(true);
      action();
    });
    return item;
  }));
  button.after(menu);
  button.setAttribute("aria-expanded", "true");
  menu.classList.add("show");
  menu.scrollIntoView({ block: "nearest" });
  menu.firstElementChild.focus();
}

function closeMenu(back = false) {
  const button = menu?.previousElementSibling;
  if (!menu?.classList.contains("show")) return;
  menu.classList.remove("show");
  button.setAttribute("aria-expanded", "false");
  if (back) button.focus();
  paper.append(menu); // it must not go with the row
}

menu?.addEventListener("keydown", (event) => {
  const items = [...menu.children];
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
  if (to !== undefined) {
    event.preventDefault();
    event.stopPropagation();
    items[(to + items.length) % items.length].focus();
  } else if (event.key === "Escape" || event.key === "Tab") {
    event.preventDefault();
    closeMenu(true);
  }
});

// --- Names ----------------------------------------------------------------------------------------------------

function addPeople(cell, text) {
  const input = cell.querySelector("input");
  for (const name of namesIn(text)) {
    const chip = template("person");
    chip.dataset.name = name;
    chip.firstElementChild.textContent = name;
    chip.querySelector("button").setAttribute("aria-label", `${words.remove}: ${name}`);
    input.before(chip);
  }
}

function takeName(input) {
  const names = namesIn(input.value);
  const offered = document.getElementById("people");
  const offers = new Set([...offered.options].map((option) => option.value));
  for (const name of names) if (!offers.has(name)) offered.append(Object.assign(document.createElement("option"), { value: name }));
  addPeople(input.parentElement, input.value);
  input.value = "";
}

table.addEventListener("keydown", (event) => {
  const input = event.target;
  if (!input.matches?.(".people > input")) return;
  const before = input.previousElementSibling;
  if ((event.key === "Enter" || event.key === ";") && !event.ctrlKey) {
    event.preventDefault();
    takeName(input);
    typed(input.parentElement);
    save();
  } else if (event.key === "Backspace" && input.value === "" && before) {
    event.preventDefault();
    input.value = before.dataset.name;
    before.remove();
    typed(input.parentElement);
  }
});

// --- Events ---------------------------------------------------------------------------------------------------

function typed(cell) {
  settle(cell);
  for (const one of cellsOf(recordOf(cell))) {
    const memo = memory.get(one);
    memo.refused = undefined;
    if (memo.theirs === undefined) unnote(one);
  }
  const { panel } = memory.get(cell);
  if (panel) panel.querySelector("[data-mine]").textContent = read(cell) || "—";
  report();
  clearTimeout(keeping);
  keeping = setTimeout(keep, 300);
  clearTimeout(idle);
  idle = setTimeout(save, IDLE);
}

paper.addEventListener("input", (event) => {
  const cell = event.target.closest("[data-field]");
  if (!cell) return;
  if (isPeople(cell) && (!event.inputType || event.inputType === "insertReplacementText")) takeName(event.target); // chosen from the list
  typed(cell);
});

paper.addEventListener("change", (event) => {
  if (event.target.type === "date") save(); // a day is typed at once
});

paper.addEventListener("focusout", (event) => {
  if (menu?.contains(event.target) && !menu.contains(event.relatedTarget)) closeMenu();
  const cell = event.target.closest("[data-field]");
  if (cell && isPeople(cell)) takeName(event.target);
  if (cell && isDirty(cell)) save();
  const record = recordOf(event.target);
  if (record && !record.contains(event.relatedTarget)) released().then(() => missing(record));
});

// Left with words in it that nobody could keep: say what is missing.
function missing(record) {
  if (!record.isConnected || record.contains(document.activeElement) || !isNew(record) || !hasWords(record)) return;
  const goal = record.dataset.of === "goal" ? record : record.parentElement;
  if (isNew(goal) && !isReady(goal)) note(cellOf(goal, "text"), words.need_text);
  else if (!isReady(record)) note(cellOf(record, "specialists_action"), words.need_action);
  report();
}

// While a button of the mouse is down nothing may move under it, or the click would go elsewhere.
let pressed = false;
addEventListener("pointerdown", () => { pressed = true; }, true);
for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => { pressed = false; }, true);

async function released() {
  while (pressed) await new Promise((done) => setTimeout(done, 30));
}

paper.addEventListener("keydown", (event) => {
  const record = recordOf(event.target);
  if ((event.ctrlKey || event.metaKey) && event.code === "KeyS") {
    event.preventDefault();
    if (event.target.matches(".people > input")) takeName(event.target);
    save();
  } else if (event.key === "Enter" && event.target.hasAttribute("data-short") && !event.ctrlKey) {
    event.preventDefault();
  } else if (!record || !writable || record.dataset.of === "plan") {
    // nothing of the table's own
  } else if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    event.preventDefault();
    step(record, event.key === "ArrowDown");
  } else if (event.ctrlKey && event.key === "Enter") {
    event.preventDefault();
    if (record.dataset.of === "goal") addRow(record, record.firstElementChild);
    else addRow(record.parentElement, record);
  }
});

paper.addEventListener("click", (event) => {
  const hit = (selector) => event.target.closest(selector);
  if (hit("[data-menu-of]")) {
    if (hit("[data-menu-of]").getAttribute("aria-expanded") === "true") closeMenu(true);
    else openMenu(hit("[data-menu-of]"));
  } else if (hit("[data-add-row]")) {
    addRow(recordOf(event.target));
  } else if (hit("[data-add-goal]")) {
    addGoal();
  } else if (hit("[data-forget]")) {
    const cell = hit("[data-field]");
    hit("[data-name]").remove();
    typed(cell);
    cell.querySelector("input").focus();
    save();
  } else if (event.target.matches("td, .people")) {
    event.target.querySelector("textarea, .people > input")?.focus(); // the whole cell is the place to type
  }
});

// Dragging is a convenience: the menu and the keys do the same.
let dragged = null;

function dropPlace(event) {
  const over = event.target.closest?.(dragged.dataset.of === "goal" ? "[data-of=goal]" : "[data-of=row], .goal-line");
  if (!over || over === dragged) return null;
  const box = over.getBoundingClientRect();
  const after = over.matches(".goal-line") || event.clientY > box.top + box.height / 2;
  return { over, after };
}

const clearDrop = () => all(".drop-before, .drop-after").forEach((line) => line.classList.remove("drop-before", "drop-after"));

table.addEventListener("dragstart", (event) => {
  if (!event.target.closest?.("[data-grip]")) return;
  dragged = recordOf(event.target);
  dragged.classList.add("dragged");
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setDragImage(dragged, 0, 0);
});
table.addEventListener("dragover", (event) => {
  const place = dragged && dropPlace(event);
  clearDrop();
  if (!place) return;
  event.preventDefault();
  place.over.classList.add(place.after ? "drop-after" : "drop-before");
});
table.addEventListener("drop", (event) => {
  const place = dragged && dropPlace(event);
  if (!place) return;
  event.preventDefault();
  moved(dragged, () => (place.after ? place.over.after(dragged) : place.over.before(dragged)));
});
table.addEventListener("dragend", () => {
  dragged?.classList.remove("dragged");
  dragged = null;
  clearDrop();
});

// Whatever leads away from here waits until all is saved: what is printed or approved is what is on the page.
for (const link of all("[data-leave]", document)) {
  link.addEventListener(link.tagName === "FORM" ? "submit" : "click", async (event) => {
    document.activeElement?.blur();
    if (!sending && isEmpty(difference(true))) return;
    event.preventDefault();
    await save();
    while (sending) await new Promise((done) => setTimeout(done, 50));
    if (!isEmpty(difference(true))) {
      report();
      return;
    }
    leaving = true;
    if (link.tagName === "FORM") link.submit();
    else if (link.target) open(link.href, link.target);
    else location.assign(link.href);
    leaving = false;
  });
}

const tryAgain = () => {
  pause = 0;
  if (problem) save();
};
addEventListener("online", tryAgain);
addEventListener("focus", tryAgain);
addEventListener("beforeunload", (event) => {
  if (!leaving && (sending || !isEmpty(difference(true)))) event.preventDefault();
});
document.addEventListener("visibilitychange", () => document.hidden && save());
addEventListener("pagehide", () => {
  const change = difference();
  const body = JSON.stringify(change);
  if (!isEmpty(change) && body.length * 2 < FITS) request(body, { keepalive: true }).catch(() => {});
});

const first = JSON.parse(paper.dataset.state);
for (const record of all("[data-record]")) {
  for (const cell of cellsOf(record)) {
    memory.set(cell, { base: "", saved: read(cell) });
    settle(cell);
  }
}
known = storedIn(first);
arranged = first.goals.map((goal) => [goal.key, goal.rows.map((row) => row.key)]);
for (const [key, { values }] of known) {
  for (const cell of cellsOf(find(key))) memory.get(cell).base = values[cell.dataset.field];
}
restore();
save();
