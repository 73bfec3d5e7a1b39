// Keeps the page of fieldwork up to date: asks now and then whether anything changed, and takes over what did.

const live = document.getElementById("live");
const note = document.getElementById("live-note");

async function look() {
  try {
    const answer = await fetch(live.dataset.url, { headers: { Accept: "application/json" } });
    if (!answer.ok || !answer.headers.get("Content-Type")?.includes("json")) throw new Error("no version");
    const { version } = await answer.json();
    if (version !== live.dataset.version) await renew();
    note.textContent = note.dataset.fresh;
  } catch {
    note.textContent = note.dataset.stale;
  }
}

async function renew() {
  const answer = await fetch(location.href);
  if (!answer.ok) throw new Error("no page");
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
  if (!fresh) throw new Error("another page");
  // A reader in the middle of a table keeps the place.
  const scrolled = [...live.querySelectorAll(".table-box")].map((box) => box.scrollLeft);
  live.replaceChildren(...fresh.childNodes);
  live.dataset.version = fresh.dataset.version;
  live.querySelectorAll(".table-box").forEach((box, place) => { box.scrollLeft = scrolled[place] || 0; });
}

if (live) {
  note.textContent = note.dataset.fresh;
  const next = () => setTimeout(async () => {
    if (!document.hidden) await look();
    next();
  }, live.dataset.every * 1000);
  next();
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
}
