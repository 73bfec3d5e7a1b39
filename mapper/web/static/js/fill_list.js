// The page of a canvasser's forms: what can be filled, what waits and why, what was begun and what is sent.

import { count, make, page, t } from "./words.js";
import * as store from "./fill_store.js";
import { forget, formAddress, offered, refresh } from "./fill_forms.js";
import { keepSending } from "./fill_keep.js";
import { NoLine, Refused, keyIsDead } from "./fill_net.js";
import { base } from "./fill_place.js";
import { keepForGood, showRoom } from "./fill_room.js";
import { send } from "./fill_send.js";
import { isHeld, moment, showErased, startWorker, whenErased } from "./fill_words.js";
import { carried } from "./fill_zip.js";

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
  const dead = waiting.some((each) => each.refusedBy === base && keyIsDead(each.status));
  element("dead").hidden = !dead;
  element("waiting-count").textContent = count(waiting.length);
  element("send").hidden = !waiting.length;
  element("waiting").replaceChildren(...waiting.sort(by("finishedAt")).map(waitingCard));
  element("drafts-count").textContent = count(drafts.length);
  element("drafts").replaceChildren(...drafts.sort(by("savedAt")).map((each) => make("li", { class: "card" },
    about(each.label || each.formName, `${each.formName} · ${moment(each.savedAt)}`),
    make("p", { class: "fill-next" },
      make("a", { class: "button", href: `${formAddress(each.formId)}#${each.id}` }, t("Go on")),
      make("button", { class: "button", type: "button", onclick: () => drop(each) }, t("Delete"))))));
  element("sent").replaceChildren(...sent.sort(by("at")).map((each) => make("li", {},
    make("b", {}, each.formName), make("span", { class: "soft" }, moment(each.at)))));
  showRoom(); // measured by writing, which may take its time
}

const by = (field) => (a, b) => b[field].localeCompare(a[field]);
const about = (name, more) => make("div", {}, make("b", {}, name), make("p", { class: "soft" }, more));

// A finished form by its name and its time: whose house it is, a screen that others look at need not say.
function waitingCard(each) {
  const refused = each.refusedAt;
  const files = each.files.length ? ` · ${t("with pictures: {n}", { n: count(each.files.length) })}` : "";
  return make("li", { class: "card" },
    about(each.formName, t("finished {moment}", { moment: moment(each.finishedAt) }) + files),
    refused
      ? make("p", { class: "card-reason" }, t("Refused by the server {moment}: {reason}",
        { moment: moment(refused), reason: each.problem || t("no reason given") }))
      : make("p", { class: "soft" }, t("Waits for a signal.")),
    refused && make("p", { class: "soft" }, keyIsDead(each.status)
      ? t("It goes by itself as soon as your new address is opened in this browser.")
      : t("Show this to your supervisor. It is tried again for some hours, and whenever you press Send now; saved as a file, the office can take it in.")),
    make("p", { class: "fill-next" },
      make("button", { class: "button", type: "button", onclick: () => carry(each) }, t("Save as a file")),
      each.carriedAt && make("button", { class: "button", type: "button", onclick: () => withdraw(each) }, t("Remove from here"))));
}

// A finished form goes into the downloads of the browser, and stays here.
async function carry(waiting) {
  const { name, blob } = await carried(waiting);
  const address = URL.createObjectURL(blob);
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
  const now = await store.get("waiting", waiting.id);
  if (now) await store.put("waiting", { ...now, carriedAt: new Date().toISOString() });
  await showWork();
}

async function withdraw(waiting) {
  const facts = { name: waiting.formName, moment: moment(waiting.finishedAt) };
  if (!confirm(t("Remove {name} of {moment}? It was saved as a file and has not reached the server: hand the file to your supervisor.", facts))) return;
  await store.withdraw(waiting);
  await showWork();
}

async function drop(draft) {
  const name = draft.label || draft.formName;
  if (await isHeld(draft.id)) {
    alert(t("The draft {name} is open in another tab. Close it there first.", { name }));
    return;
  }
  if (!confirm(t("Delete the draft {name}? What was filled in it is lost.", { name }))) return;
  await store.remove("drafts", draft.id);
  await showWork();
}

// Nothing of this user stays in the browser: for a computer that others use too, or a phone that is handed back.
async function erase() {
  const waiting = await store.count("waiting");
  if (waiting) {
    alert(t("Nothing is erased: {n} finished forms have not been sent. Send them, or save each as a file and remove it.", { n: count(waiting) }));
    return;
  }
  const drafts = await store.count("drafts");
  const asked = drafts
    ? t("Erase everything of yours in this browser? {n} drafts are lost.", { n: count(drafts) })
    : t("Erase everything of yours in this browser? Forms and lists are fetched again when you come back.");
  if (!confirm(asked)) return;
  const registration = await navigator.serviceWorker?.getRegistration();
  await store.erase();
  for (const name of await globalThis.caches?.keys() ?? []) if (name.startsWith(`fill ${page.key} `)) await caches.delete(name);
  await registration?.unregister();
  showErased();
}

function say(sentence) {
  if (!element("line")) return; // everything was erased meanwhile
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
element("send").addEventListener("click", () => send(true).finally(showWork));
element("erase").addEventListener("click", erase);
startWorker();
whenErased(() => {});
await keepForGood();
await showForms();
await showWork();
store.listen((said) => said === "changed" && showWork());
keepSending(showWork);
addEventListener("online", fetchForms);
await fetchForms();
