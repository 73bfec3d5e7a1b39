// The forms of this canvasser: fetched as a phone fetches them, kept with their media, and found again without a signal.

import { page } from "./words.js";
import * as store from "./fill_store.js";

// Address of the canvasser's server, without a slash at the end: what stands before /fill.
export const base = location.pathname.replace(/\/fill(\/.*)?$/, "");
export const formAddress = (formId) => `${base}/fill/${encodeURIComponent(formId)}`;

// The server refused: the key is dead, or the form is not for this canvasser.
export class Refused extends Error {}
// Nothing came back, or the server has a fault: later may be better.
export class NoLine extends Error {}

export async function ask(address, options = {}) {
  let answer;
  try {
    answer = await fetch(address, { credentials: "omit", cache: "no-cache", ...options });
  } catch {
    throw new NoLine();
  }
  if (answer.status >= 500) throw new NoLine();
  if (answer.status >= 400) throw new Refused(await message(answer), { cause: answer.status });
  return answer;
}

// What the server says in words, as phones show it.
export async function message(answer) {
  const read = new DOMParser().parseFromString(await answer.text(), "text/xml");
  return read.querySelector("message")?.textContent.trim() || "";
}

const texts = (element, ...names) => names.map((name) =>
  [...element.children].find((child) => child.localName === name)?.textContent.trim() || "");

// An address that the server told, on the host that this page came from: both may know the server by different names.
const here = (address) => base + new URL(address, location).pathname.replace(/^.*?\/key\/[^/]+/, "");

async function xml(address) {
  const answer = await ask(address);
  const read = new DOMParser().parseFromString(await answer.text(), "text/xml");
  if (read.querySelector("parsererror")) throw new NoLine();
  return read;
}

const REFRESHED = "fill-refreshed";
const FRESH_MS = 10 * 60_000;

// Whether what is kept was compared with the server's not long ago.
export const fresh = () => Date.now() - Number(localStorage.getItem(`${REFRESHED} ${page.user}`)) < FRESH_MS;

// Forms and media as the server has them now, kept. Raises NoLine, Refused; forms that were kept before stay whole.
// got(name): called as each form begins.
export async function refresh(got = () => {}) {
  const query = new URLSearchParams({ deviceID: store.deviceId(), lang: page.language });
  const list = await xml(`${base}/formList?${query}`);
  const before = new Map((await store.all("forms")).map((form) => [form.key, form]));
  const offered = [];
  for (const entry of list.documentElement.children) {
    const [formId, name, version, hash, address, manifest] =
      texts(entry, "formID", "name", "version", "hash", "downloadUrl", "manifestUrl");
    const key = JSON.stringify([formId, version]);
    const kept = before.get(key);
    got(name);
    const form = {
      key, formId, version, name, hash, offered: true,
      xform: kept?.hash === hash ? kept.xform : await (await ask(here(address))).text(),
      media: manifest ? await media(here(manifest), kept?.media ?? {}) : {},
    };
    await store.put("forms", form);
    offered.push(key);
  }
  // What is offered no more goes, but for forms that a draft was begun in: those are only listed no more.
  const begun = new Set((await store.all("drafts")).map((draft) => draft.form));
  for (const form of before.values()) {
    if (offered.includes(form.key)) continue;
    if (begun.has(form.key)) await store.put("forms", { ...form, offered: false });
    else await store.remove("forms", form.key);
  }
  localStorage.setItem(`${REFRESHED} ${page.user}`, Date.now());
}

async function media(manifest, kept) {
  const files = {};
  for (const entry of (await xml(manifest)).documentElement.children) {
    const [name, hash, address] = texts(entry, "filename", "hash", "downloadUrl");
    files[name] = kept[name]?.hash === hash ? kept[name]
      : { hash, blob: await (await ask(here(address))).blob() };
  }
  return files;
}

// A key that opens nothing any more has no business with lists of households; what was filled stays.
export async function forget() {
  for (const form of await store.all("forms")) await store.put("forms", { ...form, offered: false, media: {} });
}

export const offered = async () => (await store.all("forms")).filter((form) => form.offered)
  .sort((a, b) => a.name.localeCompare(b.name, "vi"));

// A media file of a kept form as the answer to its jr:// address.
export function attachment(form) {
  return async (url) => {
    const name = decodeURIComponent(`${url}`.replace(/^jr:\/\/[^/]+\//, "")).normalize("NFC");
    const found = Object.entries(form.media).find(([each]) => each.normalize("NFC") === name);
    if (!found) return new Response("", { status: 404 });
    const type = name.endsWith(".csv") ? "text/csv" : name.endsWith(".geojson") ? "application/geo+json"
      : name.endsWith(".xml") ? "text/xml" : found[1].blob.type;
    return new Response(found[1].blob, { headers: { "Content-Type": type } });
  };
}
