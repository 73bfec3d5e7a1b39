// A field to find an area by its name beside a long choice of areas: any spelling, also names of before, which lead on.

import { ROOT } from "./root.js";

const script = document.querySelector("script[data-area-search]");
const MANY = 12;
const WAIT_MS = 250;
const MOST = 8;

async function places(asked) {
  const answer = await fetch(`${ROOT}/api/places?${new URLSearchParams(asked)}`, { headers: { Accept: "application/json" } });
  return answer.ok ? (await answer.json()).places : [];
}

// What may be chosen for what was typed: places of the set shown, and those in which an old place lies in it.
async function found(typed, set) {
  const all = await places({ q: typed, limit: 40, ...(set && { into: set }) });
  const own = all.filter((place) => !set || place.set === set || place.level === "hamlet").map((place) => ({ area: `${place.level}:${place.code}`, name: place.name,
    note: place.around.map((each) => each.name).join(", ") }));
  const heirs = all.flatMap((place) => place.today
    .map((heir) => ({ area: `${heir.level}:${heir.code}`, name: heir.name, note: script.dataset.was.replace("{name}", place.name) })));
  const seen = new Set();
  return [...own, ...heirs].filter(({ area, note }) => !seen.has(area + note) && seen.add(area + note)).slice(0, MOST);
}

function choose(select, { area, name }) {
  if (![...select.options].some((option) => option.value === area)) select.add(new Option(name, area));
  select.value = area;
  select.dispatchEvent(new Event("change", { bubbles: true }));
  select.focus();
}

function addSearch(select) {
  const input = Object.assign(document.createElement("input"), { type: "search", maxLength: 100, autocomplete: "off", className: "search-input" });
  input.setAttribute("aria-label", script.dataset.label);
  input.placeholder = script.dataset.label;
  const list = Object.assign(document.createElement("ul"), { className: "search-list", hidden: true });
  const said = Object.assign(document.createElement("p"), { className: "unseen" });
  said.setAttribute("role", "status");
  const box = document.createElement("div");
  box.className = "area-search";
  box.append(input, list, said);
  // Beside the field and not in it: its label names the choice alone.
  (select.closest("label") || select).after(box);

  let asking = 0;
  const close = () => {
    list.hidden = true;
    list.replaceChildren();
  };
  input.addEventListener("input", () => {
    const turn = ++asking;
    const typed = input.value.trim();
    if (typed.length < 2) {
      close();
      return;
    }
    setTimeout(async () => {
      if (turn !== asking) return;
      const rows = await found(typed, select.form?.elements.namedItem("set")?.value || "").catch(() => []);
      if (turn !== asking) return;
      list.replaceChildren(...rows.map((row) => {
        const button = Object.assign(document.createElement("button"), { type: "button", className: "search-row" });
        button.append(Object.assign(document.createElement("b"), { textContent: row.name }), " ",
          Object.assign(document.createElement("span"), { textContent: row.note }));
        button.addEventListener("click", () => {
          input.value = "";
          close();
          choose(select, row);
        });
        const item = document.createElement("li");
        item.append(button);
        return item;
      }));
      list.hidden = !rows.length;
      said.textContent = rows.length ? "" : script.dataset.none;
      said.classList.toggle("unseen", rows.length > 0);
    }, WAIT_MS);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      // Enter in a form would send it with the area as it was.
      event.preventDefault();
      list.querySelector("button")?.focus();
    } else if (event.key === "Escape") close();
  });
}

for (const select of document.querySelectorAll("select[name=area]")) {
  if (select.options.length > MANY) addSearch(select);
}
