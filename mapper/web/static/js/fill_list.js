// The page of a canvasser's forms: what can be filled, what waits, what was begun and what is sent.

import { make, t } from "./words.js";
import * as store from "./fill_store.js";
import { NoLine, Refused, forget, formAddress, offered, refresh } from "./fill_forms.js";
import { keepSending, send } from "./fill_send.js";
import { moment, startWorker } from "./fill_words.js";

const element = (id) => document.getElementById(id);

async function showForms() {
  const forms = await offered();
  element("forms").replaceChildren(...forms.map((form) => make("li", {},
    make("a", { class: "fill-form", href: formAddress(form.formId) },
      make("b", {}, form.name),
      make("span", { class: "soft" }, t("version {version}", { version: form.version }))))));
  return forms.length;
}

async function showWork() {
  const [waiting, drafts, sent] = await Promise.all(["waiting", "drafts", "sent"].map(store.all));
  element("waiting-count").textContent = waiting.length;
  element("send").hidden = !waiting.length;
  element("waiting").replaceChildren(...waiting.sort(by("finishedAt")).map((each) => card(each, each.finishedAt,
    each.problem && make("p", { class: "card-reason" }, each.problem))));
  element("drafts-count").textContent = drafts.length;
  element("drafts").replaceChildren(...drafts.sort(by("savedAt")).map((each) => card(each, each.savedAt,
    make("p", { class: "fill-next" },
      make("a", { class: "button", href: `${formAddress(each.formId)}#${each.id}` }, t("Go on")),
      make("button", { class: "button", type: "button", onclick: () => drop(each) }, t("Delete"))))));
  element("sent").replaceChildren(...sent.sort(by("at")).map((each) => make("li", {},
    make("b", {}, each.label || each.formName), make("span", { class: "soft" }, moment(each.at)))));
}

const by = (field) => (a, b) => b[field].localeCompare(a[field]);

const card = (each, at, ...more) => make("li", { class: "card" },
  make("div", {}, make("b", {}, each.label || each.formName),
    make("p", { class: "soft" }, `${each.formName} · ${moment(at)}`)), ...more.filter(Boolean));

async function drop(draft) {
  const name = draft.label || draft.formName;
  if (!confirm(t("Delete the draft {name}? What was filled in it is lost.", { name }))) return;
  await store.remove("drafts", draft.id);
  await showWork();
}

function say(sentence) {
  element("line").textContent = sentence;
  element("line").hidden = !sentence;
}

async function fetchForms() {
  element("forms").setAttribute("aria-busy", "true");
  try {
    await refresh();
    say("");
  } catch (fault) {
    if (fault instanceof Refused) {
      await forget();
      say(fault.message || t("The server refused to answer."));
    } else if (fault instanceof NoLine) {
      say(t("No signal now. The forms kept in this browser can be filled; finished ones wait here."));
    } else throw fault;
  }
  if (!await showForms() && element("line").hidden) say(t("There is no form for you yet."));
  element("forms").setAttribute("aria-busy", "false");
}

element("unsafe").hidden = isSecureContext;
startWorker();
store.keepForGood();
await showForms();
await showWork();
keepSending(showWork);
addEventListener("online", fetchForms);
element("send").addEventListener("click", () => send(true).finally(showWork));
await fetchForms();
