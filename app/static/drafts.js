// What is typed and not saved lies in the browser as well, should it crash or be closed: by user and address, three days
// at most, and not after signing out. Passwords and files are never kept.
"use strict";

const drafts = (() => {
  const LONGEST = 3 * 24 * 60 * 60 * 1000;
  const PREFIX = "draft:";
  const mine = `${PREFIX}${signing?.me}:`;
  const here = `${mine}${location.pathname}${location.search}:`;
  const template = document.querySelector("template[data-found-draft]");

  function stored(prefix) {
    const found = [];
    for (const key of Object.keys(localStorage).filter((name) => name.startsWith(prefix))) {
      try {
        found.push({ key, ...JSON.parse(localStorage.getItem(key)) });
      } catch {
        localStorage.removeItem(key);
      }
    }
    return found.sort((one, other) => other.at - one.at);
  }

  const isKept = (input) =>
    input.name && !input.matches(":disabled, [type=password], [type=file], [type=submit], [name=csrf_token], [name=next]");

  // All that a form would send: [name, value, how a chosen record is called].
  function stateOf(form) {
    const state = [];
    for (const input of form.elements) {
      if (!isKept(input)) continue;
      if (input.type === "checkbox" || input.type === "radio") {
        if (input.checked) state.push([input.name, input.value]);
      } else if (input.tomselect) {
        for (const option of input.selectedOptions) if (option.value) state.push([input.name, option.value, option.text]);
      } else if (input.value) {
        state.push([input.name, input.value]);
      }
    }
    return state;
  }

  const textOf = (form) => JSON.stringify(stateOf(form));

  function moment(at) {
    const time = new Date(at);
    const two = (number) => String(number).padStart(2, "0");
    const clock = `${two(time.getHours())}:${two(time.getMinutes())}`;
    const today = time.toDateString() === new Date().toDateString();
    return today ? clock : `${two(time.getDate())}.${two(time.getMonth() + 1)}.${time.getFullYear()} ${clock}`;
  }

  // Offer what an earlier visit has left, the newest first.
  function offer(form, own, restore) {
    const [draft] = stored(here).filter(({ key, state }) => key !== own && JSON.stringify(state) !== textOf(form));
    if (!draft) return;
    const line = template.content.cloneNode(true).firstElementChild;
    line.firstElementChild.textContent = signing.words.draft.replace("{}", moment(draft.at));
    const settle = () => {
      localStorage.removeItem(draft.key);
      line.remove();
    };
    line.querySelector("[data-restore]").addEventListener("click", () => {
      restore(draft.state);
      settle();
    });
    line.querySelector("[data-drop]").addEventListener("click", () => {
      settle();
      offer(form, own, restore);
    });
    form.before(line);
  }

  // Keep the state of a form from now on. `restore(state)` puts a kept state back into it.
  function keep(form, restore) {
    const own = `${here}${Date.now()}`;
    const first = "unsaved" in form.dataset ? "" : textOf(form);
    let waiting, ended = false, quiet = false;
    const isDirty = () => !ended && textOf(form) !== first;
    const write = () => {
      clearTimeout(waiting);
      if (ended || quiet || !form.isConnected) return;
      try {
        if (isDirty()) localStorage.setItem(own, JSON.stringify({ at: Date.now(), state: stateOf(form) }));
        else localStorage.removeItem(own);
      } catch {
        // The browser keeps nothing, or has no room: the page still does.
      }
    };
    const later = () => {
      quiet = false;
      clearTimeout(waiting);
      waiting = setTimeout(write, 300);
    };
    form.addEventListener("input", later);
    form.addEventListener("change", later);
    document.addEventListener("visibilitychange", write);
    addEventListener("pagehide", write);
    // Taken away in another tab, as by signing out: nothing is kept again until somebody types on.
    addEventListener("storage", ({ key, newValue }) => { if (key === own && newValue === null) quiet = true; });
    offer(form, own, (state) => {
      restore(state);
      write();
    });
    write();
    return {
      isDirty,
      write,
      end() {
        ended = true;
        clearTimeout(waiting);
        localStorage.removeItem(own);
      },
    };
  }

  for (const { key, at } of stored(PREFIX)) if (!(Date.now() - at < LONGEST)) localStorage.removeItem(key);

  // Whoever signs out leaves nothing behind: the next one at this computer may be anybody.
  document.querySelector("form[data-sign-out]")?.addEventListener("submit", (event) => {
    const left = stored(mine);
    if (left.length && !confirm(signing.words.forget.replace("{}", left.length))) return event.preventDefault();
    for (const { key } of left) localStorage.removeItem(key);
    document.querySelectorAll("form[data-guard]").forEach((form) => form.dispatchEvent(new Event("leave")));
  });

  return { keep, isKept, textOf };
})();
