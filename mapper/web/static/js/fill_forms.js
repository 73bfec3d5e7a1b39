// The forms of this canvasser: fetched as a phone fetches them, kept with their media, and found again without a signal.

import { page } from "./words.js";
import * as store from "./fill_store.js";
import { applied, isTold, versions } from "./fill_entities.js";
import { NoLine, ask } from "./fill_net.js";
import { alone, base } from "./fill_place.js";

export const formAddress = (formId) => `${base}/fill/${encodeURIComponent(formId)}`;

const texts = (element, ...names) => names.map((name) =>
  [...element.children].find((child) => child.localName === name)?.textContent.trim() || "");

// An address that the server told, on the host that this page came from: both may know the server by different names.
function here(address) {
  const told = new URL(address, location);
  return base + told.pathname.replace(/^.*?\/(key|test)\/[^/]+/, "") + told.search;
}

async function xml(address) {
  const answer = await ask(address);
  const read = new DOMParser().parseFromString(await answer.text(), "text/xml");
  if (read.querySelector("parsererror")) throw new NoLine();
  return read;
}

const FRESH_MS = 10 * 60_000;

// Whether what is kept was compared with the server's not long ago, and under this very key.
export async function fresh() {
  const note = await store.get("notes", "refreshed");
  return note?.base === base && Date.now() - note.at < FRESH_MS;
}

// Forms and media as the server has them now, kept. Raises NoLine, Refused; forms that were kept before stay whole.
// got(name): called as each form begins. One page at a time: two would take each other's forms for old ones.
export const refresh = (got = () => {}) => alone("forms", () => fetchAll(got));

async function fetchAll(got) {
  const begunAt = new Date().toISOString();
  const query = new URLSearchParams({ deviceID: store.deviceId(), lang: page.language });
  const list = await xml(`${base}/formList?${query}`);
  const before = new Map((await store.all("forms")).map((form) => [form.key, form]));
  const offered = [];
  for (const entry of list.documentElement.children) {
    const [formId, name, version, hash, address, manifest] =
      texts(entry, "formID", "name", "version", "hash", "downloadUrl", "manifestUrl");
    // A form that is being tried may change and keep its version: what was begun in the one before stays with it.
    const key = JSON.stringify([formId, version, hash]);
    const kept = before.get(key);
    got(name);
    const form = {
      key, formId, version, name, hash, base, offered: true,
      xform: kept?.xform ?? await (await ask(here(address))).text(),
      media: manifest ? await media(here(manifest), kept?.media ?? {}) : {},
    };
    await store.put("forms", form);
    offered.push(form);
  }
  // What is offered no more goes, but for forms that a draft was begun in: those are only listed no more.
  const begun = new Set((await store.all("drafts")).map((draft) => draft.form));
  const keys = offered.map((form) => form.key);
  for (const form of before.values()) {
    if (keys.includes(form.key)) continue;
    if (begun.has(form.key)) await store.put("forms", { ...form, offered: false });
    else await store.remove("forms", form.key);
  }
  await dropTold(offered, begunAt);
  await store.put("notes", { name: "refreshed", base, at: Date.now() });
}

async function media(manifest, kept) {
  const files = {};
  for (const entry of (await xml(manifest)).documentElement.children) {
    const [name, hash, address, integrity] = texts(entry, "filename", "hash", "downloadUrl", "integrityUrl");
    const blob = kept[name]?.hash === hash ? kept[name].blob : await (await ask(here(address))).blob();
    files[name] = { hash, blob, ...(integrity && { integrity: here(integrity) }) };
  }
  return files;
}

// What the server's lists tell themselves by now, this browser need not tell any more.
async function dropTold(forms, since) {
  const entities = await store.all("entities");
  for (const list of new Set(entities.map((entity) => entity.list))) {
    const file = forms.map((form) => form.media[`${list}.csv`]).find((each) => each?.integrity);
    const mine = entities.filter((entity) => entity.list === list && !entity.waits.length);
    if (!file || !mine.length) continue;
    const rows = versions(await file.blob.text());
    const missing = mine.filter((entity) => !rows.has(entity.id)).map((entity) => entity.id);
    const gone = missing.length ? await deleted(file.integrity, missing) : [];
    for (const entity of mine) {
      if (gone.includes(entity.id) || isTold(entity, rows.get(entity.id), since)) {
        await store.remove("entities", [list, entity.id]);
      }
    }
  }
}

// Which of these the server has taken from this canvasser, or from everybody.
async function deleted(integrity, ids) {
  const answer = await xml(`${integrity}?${new URLSearchParams({ id: ids.join(",") })}`);
  return [...answer.getElementsByTagName("*")].filter((each) => each.localName === "entity"
    && texts(each, "deleted")[0] === "true").map((each) => each.getAttribute("id"));
}

// A key that opens nothing any more has no business with lists of households; what was filled stays.
export async function forget() {
  for (const form of await store.all("forms")) {
    if (form.base === base) await store.put("forms", { ...form, offered: false, media: {} });
  }
}

export const offered = async () => (await store.all("forms")).filter((form) => form.offered)
  .sort((a, b) => a.name.localeCompare(b.name, "vi"));

// A media file of a kept form as the answer to its jr:// address; an entity list knows what this browser's forms told.
export function attachment(form) {
  return async (url) => {
    const name = decodeURIComponent(`${url}`.replace(/^jr:\/\/[^/]+\//, "")).normalize("NFC");
    const found = Object.entries(form.media).find(([each]) => each.normalize("NFC") === name);
    if (!found) return new Response("", { status: 404 });
    const [, file] = found;
    const type = name.endsWith(".csv") ? "text/csv" : name.endsWith(".geojson") ? "application/geo+json"
      : name.endsWith(".xml") ? "text/xml" : file.blob.type;
    // A version that is offered no more is kept with the lists of its day; those of today tell more.
    const listed = file.integrity && !form.offered && (await offered()).map((each) => each.media[name]).find((each) => each?.integrity);
    return new Response(await told(name, listed || file), { headers: { "Content-Type": type } });
  };
}

async function told(name, { blob, integrity }) {
  const list = integrity && name.endsWith(".csv") ? name.slice(0, -".csv".length) : null;
  const mine = list === null ? [] : (await store.all("entities")).filter((entity) => entity.list === list);
  return mine.length ? applied(await blob.text(), mine) : blob;
}
