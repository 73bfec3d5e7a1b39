// What this browser keeps of a canvasser's work: forms with their media, drafts, finished forms that wait, what was sent,
// the form before, and what this browser's own forms changed on the lists. One database a user, so that a renewed key
// still finds what the old one left, and no other canvasser's forms.

import { place } from "./fill_place.js";

const STORES = {
  forms: "key", drafts: "id", waiting: "id", sent: "id", last: "formId", entities: ["list", "id"], notes: "name",
};
const VERSION = 2;

let opened = null;
let erased = false;

function open() {
  // A page of which everything was erased waits for ever: what it had still to write would bring something back, and what
  // it had still to show has no place any more.
  if (erased) return new Promise(() => {});
  opened ??= new Promise((resolve, reject) => {
    const asking = indexedDB.open(place().store, VERSION);
    asking.onupgradeneeded = () => {
      for (const [name, keyPath] of Object.entries(STORES)) {
        if (!asking.result.objectStoreNames.contains(name)) asking.result.createObjectStore(name, { keyPath });
      }
    };
    asking.onsuccess = () => {
      // A newer page wants to change the stores: let go, the next question opens them anew.
      asking.result.onversionchange = () => { asking.result.close(); opened = null; };
      asking.result.onclose = () => { opened = null; };
      resolve(asking.result);
    };
    asking.onerror = () => { opened = null; reject(asking.error); };
  });
  return opened;
}

// Other pages of this user, and the worker, hear of every change of these.
const HEARD = ["drafts", "waiting", "sent"];
let channel = null;

function speak() {
  if (!channel && globalThis.BroadcastChannel) channel = new BroadcastChannel(place().store);
  return channel;
}

const heardErased = () => {
  erased = true;
  opened?.then((database) => database.close());
  opened = null;
};
if (globalThis.document) speak()?.addEventListener("message", ({ data }) => data === "erased" && heardErased());

// hear(said): called with "changed" after a change by another page or the worker, and with "erased".
export const listen = (hear) => speak()?.addEventListener("message", ({ data }) => hear(data));

// Do something with some stores in one transaction: all of it is kept, or none. work(...stores) may return a request.
async function within(names, mode, work) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(names, mode);
    const asked = work(...names.map((name) => transaction.objectStore(name)));
    transaction.oncomplete = () => {
      if (erased) return;
      if (mode === "readwrite" && names.some((name) => HEARD.includes(name))) speak()?.postMessage("changed");
      resolve(asked?.result);
    };
    transaction.onabort = () => reject(transaction.error);
  });
}

export const all = (name) => within([name], "readonly", (store) => store.getAll());
export const get = (name, key) => within([name], "readonly", (store) => store.get(key));
export const put = (name, thing) => within([name], "readwrite", (store) => store.put(thing));
export const remove = (name, key) => within([name], "readwrite", (store) => store.delete(key));
export const count = (name) => within([name], "readonly", (store) => store.count());

// A draft becomes a finished form that waits; never both, never neither. last: what the next form may copy from, or null.
// changes: what it says of entities; merge(known, change) -> what is known of one from now on.
export const finish = (waiting, last, changes, merge) =>
  within(["waiting", "drafts", "last", "entities"], "readwrite", (queue, drafts, lasts, entities) => {
    queue.put(waiting);
    drafts.delete(waiting.draft);
    if (last) lasts.put(last);
    for (const change of changes) {
      const asked = entities.get([change.list, change.id]);
      asked.onsuccess = () => entities.put(merge(asked.result, change));
    }
  });

// A finished form has arrived: it waits no more, and its answers leave this browser. counted: the server's lists tell of
// it from now on; else they will later.
export const settle = (waiting, sent, counted) => without(waiting.id, (entity, store) => {
  store.put({ ...entity, arrivedAt: sent.at, counted });
}, (store) => store.put(sent));

// A finished form is taken out unsent; what only it said of an entity is as if it had never been.
export const withdraw = (waiting) => without(waiting.id, (entity, store) => {
  if (entity.waits.length || entity.arrivedAt) store.put(entity);
  else store.delete([entity.list, entity.id]);
});

const without = (id, work, told = () => {}) =>
  within(["waiting", "sent", "entities"], "readwrite", (queue, sent, entities) => {
    queue.delete(id);
    told(sent);
    entities.openCursor().onsuccess = ({ target: { result: cursor } }) => {
      if (!cursor) return;
      const { waits } = cursor.value;
      if (waits.includes(id)) work({ ...cursor.value, waits: waits.filter((each) => each !== id) }, entities);
      cursor.continue();
    };
  });

// Everything kept for this user goes. What pages still open would write afterwards, they must not: they hear of it.
export async function erase() {
  await within(Object.keys(STORES), "readwrite", (...stores) => { for (const store of stores) store.clear(); });
  speak()?.postMessage("erased");
  heardErased();
  await new Promise((done) => {
    const asking = indexedDB.deleteDatabase(place().store);
    asking.onsuccess = asking.onerror = asking.onblocked = done; // blocked: it is empty, and goes with the last page
  });
}

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
