// Sentences, numbers and days in the reader's language, and the small pieces of page they stand in.

export const page = JSON.parse(document.getElementById("page-data").textContent);

const locale = page.language === "vi" ? "vi-VN" : "en-GB";
const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const decimals = [0, 1, 2].map((digits) =>
  new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }));
const dayParts = page.language === "vi" ? { day: "2-digit", month: "2-digit" } : { day: "numeric", month: "short" };
const dayFormat = new Intl.DateTimeFormat(locale, { ...dayParts, year: "numeric", timeZone: "UTC" });
const weekdayFormat = new Intl.DateTimeFormat(locale, { weekday: "long", timeZone: "UTC" });
const alphabet = new Intl.Collator("vi", { numeric: true });

// The sentence in the reader's language, its {places} filled. Messages are written out at every call: the
// server gathers them from these files.
export function t(sentence, facts = {}) {
  const text = page.messages[sentence] || sentence;
  return text.replace(/\{(\w+)\}/g, (place, name) => (name in facts ? facts[name] : place));
}

export const count = (number) => whole.format(number);
export const decimal = (number) => decimals[2].format(number);

// A share in 0..1 as per cent; never rounded up to 100 or down to 0, nor over a target it does not reach.
export function percent(share, digits = 1) {
  if (share === null || share === undefined) return "–";
  const scale = 10 ** digits;
  const rounded = Math.floor(share * 100 * scale + 1e-9) / scale;
  const shown = share >= 1 ? 100 : rounded;
  const form = Number.isInteger(shown) && digits ? decimals[0] : decimals[digits];
  return `${form.format(shown)}${page.language === "vi" ? "\u202f%" : "%"}`;
}

// Two shares as one span of whole per cents, the lower rounded down and the higher up: it never looks surer than it is.
export function span(low, high) {
  const [least, most] = [Math.floor(low * 100 + 1e-9), Math.ceil(high * 100 - 1e-9)];
  return least === most ? percent(least / 100, 0) : `${whole.format(least)}–${percent(most / 100, 0)}`;
}

export const day = (iso) => dayFormat.format(new Date(`${iso}T00:00:00Z`));
export const weekday = (iso) => weekdayFormat.format(new Date(`${iso}T00:00:00Z`));

export function addDays(iso, days) {
  const at = new Date(`${iso}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() + days);
  return at.toISOString().slice(0, 10);
}

export const daysBetween = (from, to) => Math.round((Date.parse(to) - Date.parse(from)) / 86400000);

export const compareNames = (a, b) => alphabet.compare(a, b);

// Letters only, as typed on a keyboard without accents: "Nguyễn Văn Đức" -> "nguyen van duc".
export function plain(text) {
  return (text || "").normalize("NFD").replace(/\p{M}/gu, "").replace(/[đĐ]/g, "d").toLowerCase().trim();
}

// A name without the word for its kind, where a column or the map already says it: "Xã Vi Hương" -> "Vi Hương".
// "Phường 1" stays: alone, "1" is no name.
export const shortName = (name) => name.replace(
  /^(Xã|Phường|Thị [Tt]rấn|Huyện|Quận|Thị [Xx]ã|Thành [Pp]hố|Tỉnh|Thôn) (?=\p{Lu})/u, "");

// An element with properties and children; `style` is a table of custom properties and styles.
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") element.className = value;
    else if (name === "style") for (const [key, style] of Object.entries(value)) element.style.setProperty(key, style);
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}
