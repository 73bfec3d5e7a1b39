// Checking a slip. On the server's page the text is posted; on the page that is kept on a phone, which holds keys and
// revoked slips itself, signatures are checked right here. The same file stands in both, so it imports nothing.

const form = document.getElementById("slip-form");
const box = form.elements.text;
const held = document.getElementById("slip-data");
const data = held ? JSON.parse(held.textContent) : null;
const trouble = document.getElementById("slip-trouble");

function tell(sentence) {
  trouble.textContent = sentence;
  trouble.hidden = !sentence;
}

function asked(text) {
  tell("");
  box.value = text;
  form.requestSubmit();
}

// What stands behind the # of the address is taken out of it at once: it is not to stay in the browser's history.
function fromAddress() {
  const text = location.hash.slice(1);
  if (!text) return;
  history.replaceState(null, "", location.pathname + location.search);
  asked(text);
}

// --- by camera, or from a picture of the code

const camera = document.getElementById("slip-camera");
const photo = document.getElementById("slip-photo");
const video = document.getElementById("slip-video");

const CAMERA_SIZES = [1280];
const PHOTO_SIZES = [1600, 1000, 640]; // a sharp code is found in the large picture, a blurred one in the small

// The browser's own reader; null where it has none.
async function ownReader() {
  if (!("BarcodeDetector" in window)) return null;
  const formats = await BarcodeDetector.getSupportedFormats().catch(() => []);
  return formats.includes("qr_code") ? new BarcodeDetector({ formats: ["qr_code"] }) : null;
}

// The text of the code in a picture, by the browser's reader or the one that comes with the page; "" where none is found.
async function read(detector, picture, sizes) {
  const [found] = (await detector?.detect(picture).catch(() => [])) || [];
  if (found) return found.rawValue;
  const wide = picture.videoWidth || picture.width;
  const high = picture.videoHeight || picture.height;
  for (const size of wide && high ? sizes : []) {
    const scale = Math.min(1, size / Math.max(wide, high));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(wide * scale);
    canvas.height = Math.round(high * scale);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    try {
      return readQr(context.getImageData(0, 0, canvas.width, canvas.height));
    } catch {
      // No code at this size.
    }
  }
  return "";
}

function stop() {
  for (const track of video.srcObject?.getTracks() || []) track.stop();
  video.srcObject = null;
  video.hidden = true;
}

async function watch(detector) {
  tell("");
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: "environment", width: { ideal: 1920 }, height: { ideal: 1080 } },
    });
    video.hidden = false;
    await video.play();
  } catch {
    stop();
    tell(trouble.dataset.camera);
    return;
  }
  while (video.srcObject) {
    const found = await read(detector, video, CAMERA_SIZES);
    if (found && video.srcObject) {
      stop();
      asked(found);
    } else await new Promise((next) => setTimeout(next, 150));
  }
}

async function look(detector, file) {
  tell("");
  const found = await createImageBitmap(file).then((picture) => read(detector, picture, PHOTO_SIZES)).catch(() => "");
  if (found) asked(found);
  else {
    tell(trouble.dataset.code);
    if (send) send.hidden = false; // the server may see more in it
  }
}

const send = document.getElementById("slip-send");
ownReader().then((detector) => {
  if (send) send.hidden = true;
  camera.hidden = !navigator.mediaDevices;
  photo.hidden = false;
  camera.addEventListener("click", () => (video.srcObject ? stop() : watch(detector)));
  const file = photo.querySelector("input");
  file.addEventListener("change", () => file.files[0] && look(detector, file.files[0]));
});

// --- without a line

const words = data?.words;
const say = (sentence, facts = {}) => sentence.replace(/\{(\w+)\}/g, (place, name) => facts[name] ?? place);
const result = document.getElementById("slip-result");

// Bytes of base64url; null where the text is not just what would be written for them.
function bytes(text) {
  try {
    const raw = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    const again = btoa(raw).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
    return again === text.replace(/=+$/, "") ? Uint8Array.from(raw, (letter) => letter.charCodeAt(0)) : null;
  } catch {
    return null;
  }
}

const readDay = (number) => {
  const text = String(number);
  return number ? `${text.slice(6)}/${text.slice(4, 6)}/${text.slice(0, 4)}` : "";
};

function today() {
  const now = new Date();
  return now.getFullYear() * 10000 + (now.getMonth() + 1) * 100 + now.getDate();
}

function moment(iso) {
  const two = (number) => String(number).padStart(2, "0");
  const at = new Date(iso);
  return `${two(at.getDate())}/${two(at.getMonth() + 1)}/${at.getFullYear()} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

// {verdict, at, slip} of a slip's text; verdict is a name of `words`.
async function verify(typed) {
  const text = typed.replace(/\s+/g, "").split("#").pop();
  const parts = /^1\.([0-9a-f]{8})\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{86})$/.exec(text);
  if (!parts || text.length > 1200) return { verdict: "no_slip" };
  const [, name, told, proof] = parts;
  const key = data.keys[name];
  if (!key) return { verdict: "other_key" };
  const content = bytes(told);
  const signature = bytes(proof);
  if (!content || !signature) return { verdict: "forged" };
  let good;
  try {
    const publicKey = await crypto.subtle.importKey("raw", bytes(key.public), { name: "Ed25519" }, false, ["verify"]);
    const signed = new TextEncoder().encode(text.slice(0, text.lastIndexOf(".")));
    good = await crypto.subtle.verify({ name: "Ed25519" }, publicKey, signature, signed);
  } catch {
    return { verdict: "no_crypto" };
  }
  if (!good) return { verdict: "forged" };
  const [id, campaign, called, born, issued, until, doses] = JSON.parse(new TextDecoder().decode(content));
  const slip = { id, campaign, called, born, issued, until, doses };
  if (key.withdrawn) return { verdict: "withdrawn", at: key.withdrawn, slip };
  if (id in data.revoked) return { verdict: "revoked", at: data.revoked[id], slip };
  return { verdict: until < today() ? "expired" : "good", slip };
}

function born(told) {
  if (!told) return words.unborn;
  if (told.startsWith("~")) return say(words.about, { year: told.slice(1) });
  return say(words.born, { day: told.split("-").reverse().join("/") });
}

function show({ verdict, at, slip }) {
  const line = (tag, text, kind = "") => {
    const made = document.createElement(tag);
    made.textContent = text;
    made.className = kind;
    return made;
  };
  const parts = [line("h2", say(words[verdict], { moment: data.moment }))];
  if (verdict === "good") parts.push(line("p", words.later));
  if (at) parts.push(line("p", say(words.at, { moment: moment(at) })));
  if (slip) {
    const labels = data.campaigns[slip.campaign] || { label: "", doses: {}, vaccines: {} };
    const list = line("ul", "", "slip-doses");
    for (const [code, day, vaccine] of slip.doses) {
      const told = [labels.doses[code] || code, readDay(day) || words.no_day, labels.vaccines[vaccine] || vaccine];
      list.append(line("li", told.filter(Boolean).join(" · ")));
    }
    if (!slip.doses.length) list.append(line("li", words.no_dose));
    const facts = [
      say(words.given, { day: readDay(slip.issued) }), say(words.until, { day: readDay(slip.until) }),
      say(words.number, { number: slip.id }), labels.label,
    ];
    parts.push(line("p", slip.called || words.nameless, "slip-name"), line("p", born(slip.born)), list,
      line("p", facts.filter(Boolean).join(" · "), "soft"));
  }
  result.className = verdict === "good" ? "slip slip-good" : "slip";
  result.replaceChildren(...parts);
  result.hidden = false;
  result.scrollIntoView({ block: "nearest" });
}

if (data) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    show(await verify(box.value));
  });
  const days = Math.floor((Date.now() - Date.parse(data.made)) / 86400000);
  const stale = document.getElementById("slip-stale");
  stale.textContent = say(words.stale, { days });
  stale.hidden = days < data.staleDays;
}
addEventListener("hashchange", fromAddress);
fromAddress();
