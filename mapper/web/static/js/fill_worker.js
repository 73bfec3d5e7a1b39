// The service worker: keeps the pages and all they consist of, so that they open without a signal. Forms and answers are
// the pages' own business. The server writes KEPT above this line: the version of the code, its
// files, and the user's number.

const CACHE = `fill ${KEPT.version}`;
const PATIENCE_MS = 6000;
const ROOT = self.registration.scope.replace(/\/$/, "");

self.addEventListener("install", (event) => event.waitUntil((async () => {
  const cache = await caches.open(CACHE);
  await cache.addAll(KEPT.files);
  await Promise.all([ROOT, `${ROOT}/form`].map((address) => cache.add(new Request(address, { cache: "reload" }))));
  await self.skipWaiting();
})()));

self.addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name.startsWith("fill ") && name !== CACHE) await caches.delete(name);
  await self.clients.claim();
})()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  if (request.method !== "GET" || address.origin !== location.origin) return;
  if (request.mode === "navigate") event.respondWith(opened(event, address));
  else if (address.pathname.startsWith("/assets/")) event.respondWith(kept(request));
});

// A page: as the server has it now, or as it was kept where no answer comes. One page kept serves every form.
async function opened(event, address) {
  const cache = await caches.open(CACHE);
  const name = address.pathname.replace(/\/$/, "") === new URL(ROOT).pathname ? ROOT : `${ROOT}/form`;
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
  await caches.delete(CACHE);
  await new Promise((done) => {
    const asking = indexedDB.open(`fill-${KEPT.user}`);
    asking.onupgradeneeded = () => asking.transaction.abort();
    asking.onerror = done;
    asking.onsuccess = () => {
      const transaction = asking.result.transaction("forms", "readwrite");
      transaction.objectStore("forms").openCursor().onsuccess = ({ target: { result: cursor } }) => {
        if (!cursor) return;
        cursor.update({ ...cursor.value, offered: false, media: {} });
        cursor.continue();
      };
      transaction.oncomplete = transaction.onabort = () => { asking.result.close(); done(); };
    };
  });
}

// A file of the code: its address names its content.
async function kept(request) {
  const cache = await caches.open(CACHE);
  const found = await cache.match(request, { ignoreVary: true });
  if (found) return found;
  const answer = await fetch(request);
  if (answer.ok) await cache.put(request, answer.clone());
  return answer;
}
