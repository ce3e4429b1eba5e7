// Saying who one is again, without leaving the page. A session ends while a form stands open, or somebody else signs in
// in another tab: what is sent then comes back refused, is asked about, and goes on by itself.
"use strict";

const signing = (() => {
  const template = document.querySelector("template[data-signing]");
  if (!template) return null; // nobody is signed in here
  const words = JSON.parse(template.dataset.words);
  const me = Number(template.dataset.user);
  const token = document.querySelector("meta[name=csrf-token]");
  const json = { Accept: "application/json" };
  let asking = null;

  // Who is signed in now. The token of a form goes with its session: the present one is taken over.
  async function present() {
    const answer = await fetch("/account/session", { headers: json });
    const now = await answer.json();
    if (!answer.ok) throw new Error(now.error);
    token.content = now.token;
    for (const input of document.querySelectorAll("input[name=csrf_token]")) input.value = now.token;
    return now;
  }

  // True when I am signed in (again); false when the person would rather not.
  async function again() {
    const now = await present();
    if (now.user === me) return true;
    asking ??= ask(now).finally(() => { asking = null; });
    return asking;
  }

  function ask(now) {
    const dialog = template.content.cloneNode(true).querySelector("dialog");
    const [form, other, trouble] = ["form", "[data-other]", "[data-trouble]"].map((part) => dialog.querySelector(part));
    const password = form.elements.password;
    let signed = false;
    other.hidden = !now.user;
    other.textContent = words.other.replace("{}", now.name);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        form.elements.csrf_token.value = token.content;
        const answer = await fetch("/login/", { method: "POST", body: new FormData(form), headers: json });
        signed = (await present()).user === me && answer.ok;
        if (signed) return dialog.close();
        trouble.textContent = words.wrong;
      } catch (error) {
        trouble.textContent = error instanceof TypeError ? words.offline : error.message;
      }
      trouble.hidden = false;
      password.select();
    });
    dialog.querySelector("[data-leave-it]").addEventListener("click", () => dialog.close());
    document.body.append(dialog);
    dialog.showModal();
    password.focus();
    return new Promise((done) => {
      dialog.addEventListener("close", () => {
        dialog.remove();
        done(signed);
      });
    });
  }

  // Send what `body()` makes. The answer; or null when nobody is signed in and the person left it at that.
  async function send(url, method, body = () => null) {
    for (let stale = 0; ; ) {
      const answer = await fetch(url, { method, body: body(), headers: { ...json, "X-CSRFToken": token.content } });
      if (answer.status === 400 && method !== "GET" ? stale++ : answer.status !== 401) return answer;
      if (!(await again())) return null;
    }
  }

  return { words, me, again, send };
})();
