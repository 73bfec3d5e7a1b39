// Finished forms on their way to the server: one after another, oldest first, again and again until they are there.

import { page, t } from "./words.js";
import * as store from "./fill_store.js";
import { NoLine, Refused, ask, base } from "./fill_forms.js";

const SENT_SHOWN = 30;
const AGAIN_MS = 30_000;
const REFUSED_MS = 3_600_000;

let running = null;

// Send what waits. Returns the number still waiting. Two pages at once are no harm: the server keeps each form once.
// byHand: also what the server refused not long ago, which would only spend the line again.
export function send(byHand = false) {
  running ??= all(byHand).finally(() => { running = null; });
  return running;
}

// Refused under this very key within the hour.
const refused = (waiting) => waiting.refusedBy === base && Date.now() - Date.parse(waiting.refusedAt) < REFUSED_MS;

async function all(byHand) {
  const queue = (await store.all("waiting")).sort((a, b) => a.finishedAt.localeCompare(b.finishedAt));
  for (const waiting of queue) {
    if (!byHand && refused(waiting)) continue;
    try {
      await one(waiting);
      await store.settle(waiting, { id: waiting.id, formName: waiting.formName, label: waiting.label, at: now() });
    } catch (fault) {
      if (fault instanceof NoLine) break;
      if (!(fault instanceof Refused)) throw fault;
      // Refused for a reason of its own: it stays, the reason beside it, and the others go on.
      const problem = fault.message || t("The server refused this form.");
      await store.put("waiting", { ...waiting, problem, refusedBy: base, refusedAt: now() });
      if ([401, 403].includes(fault.cause)) break;
    }
  }
  const sent = (await store.all("sent")).sort((a, b) => b.at.localeCompare(a.at));
  for (const old of sent.slice(SENT_SHOWN)) await store.remove("sent", old.id);
  return store.count("waiting");
}

const now = () => new Date().toISOString();

async function one(waiting) {
  const address = `${base}/submission?${new URLSearchParams({ deviceID: store.deviceId(), lang: page.language })}`;
  const parts = portions(waiting.files);
  for (const [index, files] of parts.entries()) {
    const body = new FormData();
    body.set("xml_submission_file", new Blob([waiting.xml], { type: "text/xml" }), "submission.xml");
    for (const { name, blob } of files) body.set(name, blob, name);
    if (index < parts.length - 1) body.set("*isIncomplete*", "yes");
    const answer = await ask(address, { method: "POST", body, headers: { "X-OpenRosa-Version": "1.0" } });
    // Whatever else answers, a hotel's sign-in page say, has not kept the form.
    if (![201, 202].includes(answer.status)) throw new NoLine();
  }
}

// Files of one form in portions of the length that the server likes: a broken line then costs one of them.
function portions(files) {
  const parts = [[]];
  let length = 0;
  for (const file of files) {
    if (parts.at(-1).length && length + file.blob.size > page.chunkBytes) {
      parts.push([]);
      length = 0;
    }
    parts.at(-1).push(file);
    length += file.blob.size;
  }
  return parts;
}

// Send now, when the line comes back, when the page is looked at again, and every half minute while something waits.
// shown(number): called with what waits still, after every change.
export function keepSending(shown) {
  const tell = async () => shown(await store.count("waiting"));
  const go = async () => {
    await tell();
    if (await store.count("waiting")) await send().finally(tell);
  };
  addEventListener("online", go);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && go());
  setInterval(go, AGAIN_MS);
  go();
  return go;
}
