// Houses and people that this browser's own forms made or changed, known to the next form before the server has heard of
// them: the lists that a form is handed say what the finished forms say, with the versions that ODK Collect would give.

import { parse, write } from "./fill_csv.js";

const CREATED = ["1", "true"];
const local = (element, name) => [...(element?.children ?? [])].filter((child) => child.localName === name);
const attribute = (element, name) => [...element.attributes].find((each) => each.localName === name)?.value ?? "";
const asked = (entity, what) => CREATED.includes(entity.getAttribute(what));
const isEntity = (element) => element.localName === "entity" && element.parentNode.localName === "meta";

const read = (xml) => new DOMParser().parseFromString(xml, "text/xml");

// A finished form's XML with what its entities lack. ODK Web Forms gives no id to the first of a repeat, and an update of
// a row that came without a branch begins one, as Collect's rows bring it. Made here and not by the server, so that the
// form says the same however often it is sent.
export function completed(xml) {
  const filled = read(xml);
  let changed = false;
  for (const entity of [...filled.getElementsByTagName("*")].filter(isEntity)) {
    if (asked(entity, "create") && entity.getAttribute("id") === "") {
      entity.setAttribute("id", uuid());
      changed = true;
    }
    if (asked(entity, "update") && entity.getAttribute("baseVersion") && entity.getAttribute("branchId") === "") {
      entity.setAttribute("branchId", uuid());
      entity.setAttribute("trunkVersion", entity.getAttribute("baseVersion"));
      changed = true;
    }
  }
  return changed ? new XMLSerializer().serializeToString(filled) : xml;
}

// A random UUID; crypto.randomUUID is there for secure addresses only.
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

// What a finished form says of entities: [{ list, id, create, label, properties, version, trunk, branch, waits }].
// version: the one that the entity has from now on; trunk: the server's below it, "" where this browser made the entity.
// waits: ids of the finished forms that say so and have not arrived.
export function changes(xml, xform, instanceId) {
  const saved = places(xform);
  const root = read(xml).documentElement;
  const found = [];
  for (const entity of [...root.getElementsByTagName("*")].filter(isEntity)) {
    const [list, id] = [entity.getAttribute("dataset"), entity.getAttribute("id")];
    const create = asked(entity, "create");
    if (!list || !id || !(create || asked(entity, "update"))) continue;
    const base = create ? 0 : Number(entity.getAttribute("baseVersion")) || 1;
    found.push({
      list, id, create,
      label: local(entity, "label")[0]?.textContent.trim() ?? "",
      properties: properties(entity.parentNode.parentNode, root, saved),
      version: base + 1,
      trunk: create ? "" : entity.getAttribute("trunkVersion") ?? "",
      branch: (create ? "" : entity.getAttribute("branchId")) || uuid(),
      waits: [instanceId],
    });
  }
  return found;
}

// Path of a question -> the property that its answer is kept as.
function places(xform) {
  const binds = [...read(xform).getElementsByTagName("*")].filter((each) => each.localName === "bind");
  return new Map(binds.filter((bind) => attribute(bind, "saveto"))
    .map((bind) => [bind.getAttribute("nodeset").trim(), attribute(bind, "saveto")]));
}

// Answers below the element that an entity belongs to, but for those below the element of another one. A question that
// was not asked is not there and changes nothing; one left empty empties the property.
function properties(owner, root, saved) {
  const told = {};
  const walk = (element, path) => {
    const name = saved.get(path);
    if (name) told[name] = element.textContent;
    for (const child of element.children) {
      const another = local(child, "meta").some((meta) => local(meta, "entity").length);
      if (!another) walk(child, `${path}/${child.nodeName}`);
    }
  };
  let path = "";
  for (let element = owner; element !== root.parentNode; element = element.parentNode) path = `/${element.nodeName}${path}`;
  walk(owner, path);
  return told;
}

// What is known of an entity after one more form was finished.
export function merged(known, change) {
  if (!known) return change;
  return {
    ...change,
    create: known.create || change.create,
    label: change.label || known.label,
    properties: { ...known.properties, ...change.properties },
    version: Math.max(known.version, change.version),
    waits: [...known.waits, ...change.waits],
  };
}

// A list as the server sent it, with what this browser's own forms say of its entities since then: a changed row has the
// new answers, a new entity a row at the end. Columns that only the server can work out keep what it said.
export function applied(csv, entities) {
  const rows = parse(csv);
  const [header = []] = rows;
  if (!entities.length || !header.includes("name")) return csv;
  const column = (name) => {
    if (!header.includes(name)) header.push(name);
    return header.indexOf(name);
  };
  const byId = new Map(rows.slice(1).map((row) => [row[header.indexOf("name")], row]));
  for (const entity of entities) {
    const held = byId.get(entity.id);
    if (held && Number(held[column("__version")]) > entity.version && !entity.waits.length) continue;
    if (!held && !entity.create) continue; // handed to somebody else, or gone
    const row = held ?? [];
    if (!held) rows.push(row);
    const says = {
      name: entity.id, ...entity.properties, ...(entity.label && { label: entity.label }),
      __version: `${entity.version}`, __trunkVersion: entity.trunk, __branchId: entity.branch,
    };
    for (const [name, value] of Object.entries(says)) row[column(name)] = value;
  }
  return write(rows, header.length);
}

// Whether the server's list, fetched after `since` (a moment), says all that this browser knows of an entity.
// row: what the list holds of it, or undefined. A form that was counted is in the list, or was refused a place in it.
export function isTold(entity, row, since) {
  if (entity.waits.length) return false;
  if (row && Number(row.__version) >= entity.version) return true;
  return entity.counted && entity.arrivedAt < since;
}

// Versions of a list's rows, by entity: Map of id -> { __version }.
export function versions(csv) {
  const [header = [], ...rows] = parse(csv);
  const [name, version] = [header.indexOf("name"), header.indexOf("__version")];
  return new Map(rows.map((row) => [row[name], { __version: row[version] }]));
}
