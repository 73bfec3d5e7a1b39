// Small things that both pages of the canvasser need.

import { make, page, t } from "./words.js";
import * as store from "./fill_store.js";
import { base, place } from "./fill_place.js";

const time = new Intl.DateTimeFormat(page.language === "vi" ? "vi-VN" : "en-GB", { dateStyle: "short", timeStyle: "short" });

// A moment as kept -> day and time of day where the reader is.
export const moment = (iso) => time.format(new Date(iso));

// Have the browser keep the pages for the way without a signal; where it cannot, the page says so. A browser that can wake
// the worker for sending gets one that sends: it is a module, which not all browsers take for a worker.
export async function startWorker() {
  if (!navigator.serviceWorker) return;
  const sends = "SyncManager" in globalThis;
  await navigator.serviceWorker.register(`${base}/fill-worker.js${sends ? "?sends" : ""}`,
    { scope: `${base}/fill`, type: sends ? "module" : "classic" });
}

const HELD_MS = 5000;
const lockName = (draft) => `${place().store} draft ${draft}`;

// Take a draft for this tab alone. Returns a function that lets it go, or null where another tab has it. A page that is
// just being left may hold its draft for a moment yet.
export async function hold(draft) {
  if (!navigator.locks) return () => {};
  return new Promise((resolve) => {
    let letGo;
    const held = new Promise((done) => { letGo = done; });
    navigator.locks.request(lockName(draft), { signal: AbortSignal.timeout(HELD_MS) }, () => {
      resolve(letGo);
      return held;
    }).catch(() => resolve(null));
    addEventListener("pagehide", letGo);
  });
}

// Whether a draft is open in some tab.
export async function isHeld(draft) {
  const locks = await navigator.locks?.query();
  return locks?.held.some((lock) => lock.name === lockName(draft)) ?? false;
}

// Another tab has erased what this browser kept: this one shows none of it any more, and writes nothing.
export function whenErased(stop) {
  store.listen((said) => {
    if (said !== "erased") return;
    stop();
    showErased();
  });
}

export function showErased() {
  const words = make("div", { class: "sheet sheet-narrow", role: "status" },
    make("h1", {}, t("Erased")),
    make("p", { class: "lead" }, t("This browser keeps nothing of yours any more. You can close this page.")),
    make("p", {}, make("a", { class: "button", href: `${base}/fill` }, t("Begin again"))));
  document.querySelector("main").replaceChildren(words);
}
