// The page of one form: filled step by step, every step kept in this browser, finished, and sent when there is a line.

import { page, t } from "./words.js";
import * as store from "./fill_store.js";
import { given, taken, told } from "./fill_answers.js";
import { calendar, speakOurs } from "./fill_dialect.js";
import { changes, completed, merged } from "./fill_entities.js";
import { attachment, formAddress, fresh, offered, refresh } from "./fill_forms.js";
import { keepSending } from "./fill_keep.js";
import { NoLine, Refused } from "./fill_net.js";
import { base } from "./fill_place.js";
import { keepForGood } from "./fill_room.js";
import { hold, moment, startWorker, whenErased } from "./fill_words.js";

const KEEP_AFTER_MS = 700;
const PATIENCE_MS = 4000;
const element = (id) => document.getElementById(id);
const formId = decodeURIComponent(location.pathname.slice(`${base}/fill/`.length));

let shown = null; // what is on the screen: { form, view, draft, touched, letGo }
let keeping = Promise.resolve();
let timer = 0;

function trouble(sentence) {
  element("trouble").textContent = sentence;
  element("trouble").hidden = !sentence;
}

// The form of this page in the version that is offered now, or that its draft was begun in.
async function find(draft) {
  if (draft) return store.get("forms", draft.form);
  const mine = async () => (await offered()).find((form) => form.formId === formId);
  const kept = await mine();
  if (kept && await fresh()) return kept;
  const asked = refresh().catch((fault) => fault);
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, new NoLine()));
  const fault = await (kept ? Promise.race([asked, late]) : asked);
  const form = await mine();
  if (form) return form;
  if (fault instanceof Refused) trouble(fault.message);
  else if (fault) trouble(t("No signal, and this form is not kept in this browser yet. Open it once where there is a signal."));
  else trouble(t("There is no form {form} for you. Choose one from the list.", { form: formId }));
  return null;
}

async function open() {
  element("done").hidden = true;
  element("loading").hidden = false;
  const id = location.hash.slice(1) || store.newId();
  const letGo = await hold(id);
  const draft = location.hash ? await store.get("drafts", id) : null;
  const form = letGo ? await find(draft) : null;
  if (!letGo) trouble(t("This draft is open in another tab of this browser. Go on with it there, or close that tab first."));
  else if (draft && !form) trouble(t("The form of this draft is no longer in this browser. Open the list where there is a signal."));
  if (form) {
    const { showForm } = await import(page.webForms);
    const last = asksLast(form) ? await store.get("last", formId) : null;
    const view = showForm(element("form"), {
      ...withLast(form, last?.xml),
      deviceId: store.deviceId(),
      answers: draft ? given(draft) : null,
      finished: finish,
      calendar: calendar(),
    });
    shown = { form, view, draft: id, letGo };
    if (draft) element("kept").textContent = t("Draft of {moment}", { moment: moment(draft.savedAt) });
    while (!view.ready() && shown?.view === view && !document.querySelector(".form-load-failure-dialog")) await pause(50);
    const languages = view.languages();
    if (!draft) view.setLanguage(languages.find((each) => each.includes(`(${page.language})`)));
  }
  element("loading").hidden = true;
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const LAST = "jr://instance/last-saved";
const asksLast = (form) => form.xform.includes(LAST);

// "As in the form before": the package knows no last saved form, but any XML file that the form names.
function withLast(form, xml) {
  const media = attachment(form);
  if (!xml) return { xform: form.xform, attachment: media };
  return {
    xform: form.xform.replaceAll(LAST, "jr://file/last-saved.xml"),
    attachment: async (url) => (`${url}`.endsWith("/last-saved.xml")
      ? new Response(xml, { headers: { "Content-Type": "text/xml" } }) : media(url)),
  };
}

// Keep what is filled so far; whether it is kept. One after another: a slow disk never writes an older state over a newer.
function keep() {
  keeping = keeping.then(async () => {
    const now = shown;
    if (!now?.touched || !now.view.ready()) return true;
    const answers = await taken(await now.view.answers());
    if (shown !== now) return true;
    const savedAt = new Date().toISOString();
    await store.put("drafts", {
      id: now.draft, form: now.form.key, formId, formName: now.form.name, label: told(answers.xml).label, savedAt, ...answers,
    });
    if (location.hash !== `#${now.draft}`) history.replaceState(null, "", `#${now.draft}`);
    element("kept").textContent = t("Kept in this browser at {moment}", { moment: moment(savedAt) });
    return true;
  }).catch((fault) => {
    trouble(t("This browser could not keep what you filled ({fault}). Free some space, and finish this form before closing it.",
      { fault: fault.message }));
    return false;
  });
  return keeping;
}

// Somebody filled something: a form that was only opened makes no draft.
function keepSoon() {
  if (shown) shown.touched = true;
  clearTimeout(timer);
  timer = setTimeout(keep, KEEP_AFTER_MS);
}

// Another page is asked for: not before the last answers are kept.
async function leave(event) {
  const link = event.target.closest("a[href]");
  const elsewhere = event.button || event.ctrlKey || event.metaKey || event.shiftKey || link?.target;
  if (!shown?.touched || !link || elsewhere || link.closest("#form")) return;
  event.preventDefault();
  clearTimeout(timer);
  if (await keep()) location.assign(link.href);
}

// The form has no faults: it waits in this browser from now on, and goes when there is a line.
async function finish(answers) {
  clearTimeout(timer);
  await keeping;
  const now = shown;
  if (!now) return;
  shown = null;
  try {
    const filled = await taken(answers);
    filled.xml = completed(filled.xml);
    const { id } = told(filled.xml);
    await store.finish(
      {
        id, draft: now.draft, formId, formName: now.form.name, finishedAt: new Date().toISOString(),
        device: store.deviceId(), language: page.language, ...filled,
      },
      asksLast(now.form) ? { formId, xml: filled.xml } : null,
      changes(filled.xml, now.form.xform, id), merged);
  } catch (fault) {
    shown = now;
    trouble(t("This browser could not keep what you filled ({fault}). Free some space, and finish this form before closing it.",
      { fault: fault.message }));
    return;
  }
  now.view.close();
  now.letGo();
  history.replaceState(null, "", formAddress(formId));
  element("kept").textContent = "";
  // Nothing says that it has arrived before it has.
  await showWaiting(await store.count("waiting"));
  element("done").hidden = false;
  element("done").focus();
  scrollTo(0, 0);
  await sending();
}

async function showWaiting(number) {
  element("waiting-line").hidden = !number;
  element("waiting-count").textContent = number;
  element("done-text").textContent = number
    ? t("It waits in this browser and is sent when there is a signal.") : t("It has arrived at the server.");
}

for (const kind of ["input", "change", "click", "keyup"]) element("form").addEventListener(kind, keepSoon);
// Menus and dates of the form stand at the end of the page, outside of it.
document.body.addEventListener("click", (event) => { if (!event.target.closest("main, .top")) keepSoon(); });
document.addEventListener("click", leave);
document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") keep(); });
addEventListener("pagehide", keep);
whenErased(() => { shown = null; });
element("next").addEventListener("click", open);
speakOurs();
startWorker();
keepForGood();
const sending = keepSending(showWaiting);
await open();
