// Finished forms on their way to the server: one after another, oldest first, from a page or from the worker, and never
// from two of them at once.

import * as store from "./fill_store.js";
import { NoLine, Refused, ask, keyIsDead } from "./fill_net.js";
import { alone, base, place } from "./fill_place.js";

const SENT_SHOWN = 30;
const REFUSED_MS = 3_600_000;
const MOST_TRIES = 8;

let running = null;

// Send what waits. Returns whether the line held to the end. byHand: also what the server refused before, which would
// only spend the line again.
export function send(byHand = false) {
  if (running && byHand) return running.then(() => send(true));
  running ??= alone("send", () => all(byHand)).finally(() => { running = null; });
  return running;
}

// Refused under this very key, and it is too early, or of no use, to try again by itself.
const rests = (waiting) => waiting.refusedBy === base
  && (waiting.tries >= MOST_TRIES || Date.now() - Date.parse(waiting.refusedAt) < REFUSED_MS);

async function all(byHand) {
  // Read under the lock: what another page has sent meanwhile is no longer there.
  const queue = (await store.all("waiting")).sort((a, b) => a.finishedAt.localeCompare(b.finishedAt));
  let line = true;
  for (const waiting of queue) {
    if (!byHand && rests(waiting)) {
      if (keyIsDead(waiting.status)) break;
      continue;
    }
    try {
      const counted = await one(waiting);
      await store.settle(waiting, { id: waiting.id, formName: waiting.formName, at: now() }, counted);
    } catch (fault) {
      if (fault instanceof NoLine) {
        line = false;
        break;
      }
      if (!(fault instanceof Refused)) throw fault;
      // Refused for a reason of its own: it stays, the reason beside it, and the others go on.
      const tries = waiting.refusedBy === base ? (waiting.tries ?? 0) + 1 : 1;
      const { message: problem, cause: status } = fault;
      await store.put("waiting", { ...waiting, problem, status, tries, refusedBy: base, refusedAt: now() });
      if (keyIsDead(status)) break;
    }
  }
  const sent = (await store.all("sent")).sort((a, b) => b.at.localeCompare(a.at));
  for (const old of sent.slice(SENT_SHOWN)) await store.remove("sent", old.id);
  return line;
}

const now = () => new Date().toISOString();

// Whether the server has counted it already; a form that it only keeps for now is there too.
async function one(waiting) {
  const address = `${base}/submission?${new URLSearchParams({ deviceID: waiting.device, lang: waiting.language })}`;
  const parts = portions(waiting.files);
  let counted = false;
  for (const [index, files] of parts.entries()) {
    const body = new FormData();
    body.set("xml_submission_file", new Blob([waiting.xml], { type: "text/xml" }), "submission.xml");
    for (const { name, blob } of files) body.set(name, blob, name);
    if (index < parts.length - 1) body.set("*isIncomplete*", "yes");
    const answer = await ask(address, { method: "POST", body, headers: { "X-OpenRosa-Version": "1.0" } });
    // Whatever else answers, a hotel's sign-in page say, has not kept the form.
    if (![201, 202].includes(answer.status)) throw new NoLine();
    counted = answer.status === 201;
  }
  return counted;
}

// Files of one form in portions of the length that the server likes: a broken line then costs one of them.
function portions(files) {
  const parts = [[]];
  let length = 0;
  for (const file of files) {
    if (parts.at(-1).length && length + file.blob.size > place().chunkBytes) {
      parts.push([]);
      length = 0;
    }
    parts.at(-1).push(file);
    length += file.blob.size;
  }
  return parts;
}
