// The service worker: keeps the pages and all they consist of, so that they open without a signal. Forms and answers are
// the business of other modules. The server writes KEPT above this line: the version of the code, its files, the name of
// the user's database, and a word for the key, so that the keys of two users on one computer have nothing in common.

const MINE = `fill ${KEPT.key} `;
const CACHE = MINE + KEPT.version;
const PATIENCE_MS = 6000;
const ROOT = self.registration.scope.replace(/\/$/, "");
const ROOT_PATH = new URL(ROOT).pathname;
const ASSETS = KEPT.files[0].replace(/\/assets\/.*/, "/assets/");

self.addEventListener("install", (event) => event.waitUntil((async () => {
  const cache = await caches.open(CACHE);
  await cache.addAll(KEPT.files);
  await Promise.all([ROOT, `${ROOT}/form`].map((address) => cache.add(new Request(address, { cache: "reload" }))));
  await self.skipWaiting();
})()));

// The version before stays too: a page that is still open may need a piece of it that it had no use for yet.
self.addEventListener("activate", (event) => event.waitUntil((async () => {
  const before = (await caches.keys()).filter((name) => name.startsWith(MINE) && name !== CACHE);
  for (const name of before.slice(0, -1)) await caches.delete(name);
  await self.clients.claim();
})()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  if (request.method !== "GET" || address.origin !== location.origin) return;
  if (request.mode === "navigate") event.respondWith(opened(event, address));
  else if (address.pathname.startsWith(ASSETS)) event.respondWith(kept(request));
});

// A page: as the server has it now, or as it was kept where no answer comes. One page kept serves every form.
async function opened(event, address) {
  const cache = await caches.open(CACHE);
  const name = address.pathname.replace(/\/$/, "") === ROOT_PATH ? ROOT : `${ROOT}/form`;
  const asked = fetch(event.request).then((answer) => {
    if (answer.status >= 500) throw new Error("fault");
    if (answer.ok && !answer.redirected) event.waitUntil(cache.put(name, answer.clone()));
    if (answer.status === 403) event.waitUntil(forget());
    return answer;
  });
  try {
    return await Promise.race([asked, new Promise((_, give) => setTimeout(give, PATIENCE_MS))]);
  } catch {
    return await cache.match(name) ?? asked;
  }
}

// The key opens nothing any more: pages and lists of households go, what was filled stays for the next key.
async function forget() {
  for (const name of await caches.keys()) if (name.startsWith(MINE)) await caches.delete(name);
  await self.registration.unregister();
  await new Promise((done) => {
    const asking = indexedDB.open(KEPT.store);
    asking.onupgradeneeded = () => asking.transaction.abort();
    asking.onerror = done;
    asking.onsuccess = () => {
      const transaction = asking.result.transaction("forms", "readwrite");
      transaction.objectStore("forms").openCursor().onsuccess = ({ target: { result: cursor } }) => {
        if (!cursor) return;
        // A newer key may have fetched its own meanwhile.
        if (cursor.value.base === ROOT_PATH.replace(/\/fill$/, "")) cursor.update({ ...cursor.value, offered: false, media: {} });
        cursor.continue();
      };
      transaction.oncomplete = transaction.onabort = () => { asking.result.close(); done(); };
    };
  });
}

// A file of the code: its address names its content.
async function kept(request) {
  for (const name of (await caches.keys()).filter((each) => each.startsWith(MINE))) {
    const found = await (await caches.open(name)).match(request, { ignoreVary: true });
    if (found) return found;
  }
  const answer = await fetch(request);
  if (answer.ok) await (await caches.open(CACHE)).put(request, answer.clone());
  return answer;
}
