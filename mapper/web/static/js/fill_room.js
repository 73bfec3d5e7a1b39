// How much room this browser has left for forms and pictures, and whether it promises to keep them.

import { count, t } from "./words.js";

const LITTLE_BYTES = 50_000_000;
const PROBE_BYTES = 10_000_000;
const PROBE = "room for pictures";
const element = (id) => document.getElementById(id);
const megabytes = (bytes) => count(Math.ceil(bytes / 1_000_000));

// Ask the browser not to clear what is kept when its disk gets full.
export const keepForGood = () => navigator.storage?.persist?.().catch(() => false);

let probed = null;

// Some browsers tell of much more room than the disk has, so that nobody is known by it: what a few pictures need is
// written, once a page, and taken out again.
async function fits() {
  if (!globalThis.caches) return true;
  try {
    await (await caches.open(PROBE)).put("/probe", new Response(new Uint8Array(PROBE_BYTES)));
  } catch {
    return false;
  } finally {
    await caches.delete(PROBE).catch(() => {});
  }
  return true;
}

// Say how much is used, and loudly where little is left: a picture that finds no room is lost.
export async function showRoom() {
  const room = await navigator.storage?.estimate?.().catch(() => null);
  if (!room?.quota) return;
  const enough = room.quota - room.usage > LITTLE_BYTES && await (probed ??= fits());
  const safe = await navigator.storage.persisted?.().catch(() => false);
  if (!element("full")) return; // everything was erased meanwhile
  element("full").hidden = enough;
  element("full").textContent = enough ? ""
    : t("Storage is almost full. Send what waits, and delete pictures or apps from this device before you go on.");
  element("room").textContent = t("{used} MB are kept in this browser.", { used: megabytes(room.usage) })
    + (safe ? "" : ` ${t("The browser may clear them when its disk is full; send often.")}`);
}
