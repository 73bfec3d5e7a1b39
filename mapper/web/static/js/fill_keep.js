// A page's part in the sending: it goes on while the page is open, and is left to the browser for when it is closed.

import * as store from "./fill_store.js";
import { send } from "./fill_send.js";
import { WAKES } from "./fill_sync.js";

const AGAIN_MS = 30_000;

// Send now, when the line comes back, when the page is looked at again, and every half minute while something waits.
// shown(number): called with what waits still, after every change, whoever made it.
export function keepSending(shown) {
  const tell = async () => shown(await store.count("waiting"));
  const go = async () => {
    await tell();
    if (!await store.count("waiting")) return;
    await leaveToBrowser();
    await send().finally(tell);
  };
  store.listen((said) => said === "changed" && tell());
  addEventListener("online", go);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && go());
  setInterval(go, AGAIN_MS);
  go();
  return go;
}

// Have the browser wake the worker when there is a line, also with every page closed. Asked for before anything is sent:
// the page may be closed meanwhile. Where a browser has no such thing, or its user forbids it, a page has to be open.
async function leaveToBrowser() {
  const registration = await navigator.serviceWorker?.getRegistration();
  await registration?.sync?.register(WAKES).catch(() => {});
}
