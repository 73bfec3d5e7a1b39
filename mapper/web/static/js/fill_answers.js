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

// What a filled form says of itself: { id, label }. The label is the form's own instance name, empty where it has none.
export function told(xml) {
  const read = new DOMParser().parseFromString(xml, "text/xml");
  const meta = (name) => [...read.getElementsByTagName("*")]
    .find((each) => each.localName === name && each.parentNode.localName === "meta"
      && (META.includes(each.namespaceURI) || each.parentNode.parentNode === read.documentElement))?.textContent.trim();
  return { id: meta("instanceID") || "", label: meta("instanceName") || "" };
}
