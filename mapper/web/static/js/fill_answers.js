// A filled form as FormData, and as what the database can keep: XML text and files by name.

const XML_PART = "xml_submission_file";
const META = ["http://openrosa.org/xforms", "http://openrosa.org/xforms/"];

// FormData of a filled form -> { xml, files: [{ name, blob }] }.
export async function taken(answers) {
  const files = [];
  let xml = "";
  for (const [name, part] of answers) {
    if (name === XML_PART) xml = typeof part === "string" ? part : await part.text();
    else files.push({ name: part.name || name, blob: new Blob([await part.arrayBuffer()], { type: part.type }) });
  }
  return { xml, files };
}

// And back, as a draft goes on from it.
export function given({ xml, files }) {
  const answers = new FormData();
  answers.set(XML_PART, new File([xml], XML_PART, { type: "text/xml" }));
  for (const { name, blob } of files) answers.set(name, new File([blob], name, { type: blob.type }));
  return answers;
}

// A finished form's XML, where no new entity is without an id: ODK Web Forms gives none to the first of a repeat. Made
// here and not by the server, so that the form says the same however often it is sent.
export function withIds(xml) {
  const read = new DOMParser().parseFromString(xml, "text/xml");
  const made = [...read.getElementsByTagName("*")].filter((each) => each.localName === "entity"
    && each.parentNode.localName === "meta" && ["1", "true"].includes(each.getAttribute("create"))
    && each.getAttribute("id") === "");
  if (!made.length) return xml;
  for (const entity of made) entity.setAttribute("id", uuid());
  return new XMLSerializer().serializeToString(read);
}

// A random UUID; crypto.randomUUID is there for secure addresses only.
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

// What a filled form says of itself: { id, label }. The label is the form's own instance name, empty where it has none.
export function told(xml) {
  const read = new DOMParser().parseFromString(xml, "text/xml");
  const meta = (name) => [...read.getElementsByTagName("*")]
    .find((each) => each.localName === name && each.parentNode.localName === "meta"
      && (META.includes(each.namespaceURI) || each.parentNode.parentNode === read.documentElement))?.textContent.trim();
  return { id: meta("instanceID") || "", label: meta("instanceName") || "" };
}
