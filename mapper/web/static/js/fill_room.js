// How much room this browser has left for forms and pictures, and whether it promises to keep them.

import { count, t } from "./words.js";

const LITTLE_BYTES = 50_000_000;
const LITTLE_SHARE = 0.1;
const element = (id) => document.getElementById(id);
const megabytes = (bytes) => count(Math.ceil(bytes / 1_000_000));

// Ask the browser not to clear what is kept when its disk gets full.
export const keepForGood = () => navigator.storage?.persist?.().catch(() => false);

// Say how much is used, and loudly where little is left: a picture that finds no room is lost.
export async function showRoom() {
  const room = await navigator.storage?.estimate?.().catch(() => null);
  if (!room?.quota) return;
  const left = Math.max(0, room.quota - room.usage);
  const full = left < LITTLE_BYTES || left < room.quota * LITTLE_SHARE;
  element("full").hidden = !full;
  element("full").textContent = full
    ? t("Storage is almost full: {left} MB left. Send what waits, and delete pictures or apps from this device before you go on.", { left: megabytes(left) })
    : "";
  const safe = await navigator.storage.persisted?.().catch(() => false);
  element("room").textContent = t("{used} MB are kept in this browser.", { used: megabytes(room.usage) })
    + (safe ? "" : ` ${t("The browser may clear them when its disk is full; send often.")}`);
}
