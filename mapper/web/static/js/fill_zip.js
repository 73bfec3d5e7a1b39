// A finished form as a file to carry away: a zip without compression, of the form's XML and its pictures, such as the
// office takes in from phones.

const TABLE = Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k += 1) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

function crc32(bytes) {
  let c = 0xffffffff;
  for (const byte of bytes) c = TABLE[(c ^ byte) & 0xff] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

// Numbers of [bytes, value] one after another, the lowest byte first.
function numbers(...each) {
  const bytes = [];
  for (const [length, value] of each) for (let k = 0; k < length; k += 1) bytes.push((value / 256 ** k) & 0xff);
  return new Uint8Array(bytes);
}

const UTF8_NAMES = 0x800;
const MIDNIGHT = 0x21; // 1980-01-01, the first day a zip knows

// files: [{ name, blob }], names with folders -> Blob.
export async function zip(files) {
  const parts = [], index = [];
  let at = 0;
  for (const { name, blob } of files) {
    const content = new Uint8Array(await blob.arrayBuffer());
    const called = new TextEncoder().encode(name);
    const about = [[2, 20], [2, UTF8_NAMES], [2, 0], [2, 0], [2, MIDNIGHT], [4, crc32(content)],
      [4, content.length], [4, content.length], [2, called.length], [2, 0]];
    const head = numbers([4, 0x04034b50], ...about);
    parts.push(head, called, content);
    index.push(numbers([4, 0x02014b50], [2, 20], ...about, [2, 0], [2, 0], [2, 0], [4, 0], [4, at]), called);
    at += head.length + called.length + content.length;
  }
  const length = index.reduce((sum, part) => sum + part.length, 0);
  const end = numbers([4, 0x06054b50], [2, 0], [2, 0], [2, files.length], [2, files.length], [4, length], [4, at], [2, 0]);
  return new Blob([...parts, ...index, end], { type: "application/zip" });
}

// The finished form as the file to save: { name, blob }.
export async function carried({ id, formId, finishedAt, xml, files }) {
  const called = `${formId} ${finishedAt.slice(0, 19).replaceAll(":", "-")} ${id.slice(-6)}`.replace(/[^\w. -]/g, "_");
  const submission = new Blob([xml], { type: "text/xml" });
  if (!files.length) return { name: `${called}.xml`, blob: submission };
  const inside = [{ name: `${called}/submission.xml`, blob: submission },
    ...files.map(({ name, blob }) => ({ name: `${called}/${name}`, blob }))];
  return { name: `${called}.zip`, blob: await zip(inside) };
}
