// The worker's part in the sending: the browser wakes it when there is a line, also where no page is open.

import { send } from "./fill_send.js";

export const WAKES = "send";

if (globalThis.registration) {
  addEventListener("sync", (event) => {
    if (event.tag === WAKES) event.waitUntil(woken());
  });
}

// An error tells the browser to try again later; what the server refused waits for its reader instead.
async function woken() {
  // Of whom everything was erased nothing waits; to look for it would make an empty database of theirs again.
  if (!(await indexedDB.databases()).some(({ name }) => name === KEPT.store)) return;
  if (!await send()) throw new Error("no line");
}
