// What this browser keeps of a canvasser's work: forms with their media, drafts, finished forms that wait, what was sent.
// One database a user, so that a renewed key still finds what the old one left, and no other canvasser's forms.

import { page } from "./words.js";

const STORES = { forms: "key", drafts: "id", waiting: "id", sent: "id", last: "formId" };

let opened = null;

function open() {
  opened ??= new Promise((resolve, reject) => {
    const asking = indexedDB.open(`fill-${page.user}`, 1);
    asking.onupgradeneeded = () => {
      for (const [name, keyPath] of Object.entries(STORES)) asking.result.createObjectStore(name, { keyPath });
    };
    asking.onsuccess = () => {
      // A newer page wants to change the stores: let go, the next question opens them anew.
      asking.result.onversionchange = () => { asking.result.close(); opened = null; };
      resolve(asking.result);
    };
    asking.onerror = () => { opened = null; reject(asking.error); };
  });
  return opened;
}

// Do something with some stores in one transaction: all of it is kept, or none. work(...stores) may return a request.
async function within(names, mode, work) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(names, mode);
    const asked = work(...names.map((name) => transaction.objectStore(name)));
    transaction.oncomplete = () => resolve(asked?.result);
    transaction.onabort = () => reject(transaction.error);
  });
}

export const all = (name) => within([name], "readonly", (store) => store.getAll());
export const get = (name, key) => within([name], "readonly", (store) => store.get(key));
export const put = (name, thing) => within([name], "readwrite", (store) => store.put(thing));
export const remove = (name, key) => within([name], "readwrite", (store) => store.delete(key));
export const count = (name) => within([name], "readonly", (store) => store.count());

// A draft becomes a finished form that waits; never both, never neither.
export const finish = (waiting, last) => within(["waiting", "drafts", "last"], "readwrite", (queue, drafts, lasts) => {
  queue.put(waiting);
  drafts.delete(waiting.draft);
  lasts.put(last);
});

// A finished form has arrived: it waits no more, and its answers leave this browser.
export const settle = (waiting, told) => within(["waiting", "sent"], "readwrite", (queue, sent) => {
  queue.delete(waiting.id);
  sent.put(told);
});

export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// What the server knows this browser by, as it knows a phone.
export function deviceId() {
  let id = localStorage.getItem("fill-device");
  if (!id) localStorage.setItem("fill-device", id = `browser:${newId()}`);
  return id;
}

// Ask the browser not to clear what is kept when its disk gets full.
export const keepForGood = () => navigator.storage?.persist?.().catch(() => false);
