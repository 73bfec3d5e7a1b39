// A search field on the map: names in any spelling, and on to the place that is chosen. What is drawn is looked through
// at once; units of every boundary set, and hamlets, a moment later at the server.

import { compareNames, day, make, page, plain, t } from "./words.js";
import { ROOT } from "./root.js";

const MOST = 8;
const MOST_ELSEWHERE = 12;
const WAIT_MS = 200;

export class PlaceSearch {
  // places(): [{key, name, note, ...}]. choose(place): go there.
  constructor(box, { places, choose }) {
    this.places = places;
    this.choose = choose;
    this.list = make("ul", { class: "search-list", id: "place-list", role: "listbox", "aria-label": t("Places found"), hidden: true });
    this.input = make("input", { type: "search", class: "search-input", role: "combobox", autocomplete: "off", spellcheck: "false",
      "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": "place-list",
      "aria-label": t("Find a place on the map"), placeholder: t("Find a place on the map") });
    this.said = make("p", { class: "unseen", role: "status" });
    box.replaceChildren(this.input, this.list, this.said);
    this.found = [];
    this.elsewhere = [];
    this.asking = null;
    this.at = -1;
    this.input.addEventListener("input", () => this._look());
    this.input.addEventListener("focus", () => { if (this.input.value) this._look(); });
    this.input.addEventListener("blur", () => setTimeout(() => this._close(), 150));
    this.input.addEventListener("keydown", (event) => this._key(event));
    // A press on a name must not first take the focus away, which would close the list under it.
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
    L.DomEvent.disableClickPropagation(box);
    L.DomEvent.disableScrollPropagation(box);
  }

  _look() {
    const words = plain(this.input.value).split(/\s+/).filter(Boolean);
    if (!words.length) {
      this._close();
      return;
    }
    const rank = (name) => (name.startsWith(words[0]) ? 0 : name.split(/\s+/).some((part) => part.startsWith(words[0])) ? 1 : 2);
    this.found = this.places()
      .map((place) => ({ ...place, own: plain(place.name), all: plain(`${place.name} ${place.note || ""}`) }))
      .filter((place) => words.every((word) => place.all.includes(word)))
      .map((place) => ({ ...place, rank: place.own.includes(words[0]) ? rank(place.own) : 3 }))
      .sort((a, b) => a.rank - b.rank || compareNames(a.name, b.name))
      .slice(0, MOST);
    this.here = this.found;
    this.elsewhere = [];
    this._ask(this.input.value.trim());
    this._offer();
  }

  _offer() {
    const drawn = new Set(this.here.map((place) => place.key));
    this.found = [...this.here, ...this.elsewhere.filter((place) => place.href || !drawn.has(place.key))];
    this.at = this.found.length ? Math.max(0, Math.min(this.at, this.found.length - 1)) : -1;
    this._draw();
  }

  // Asks the server for the places of every set, once nobody types on for a moment.
  async _ask(typed) {
    this.asking?.abort();
    this.asking = null;
    if (typed.length < 2) return;
    const asking = this.asking = new AbortController();
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
    let found = [];
    try {
      const query = new URLSearchParams({ q: typed, limit: MOST_ELSEWHERE });
      const date = new URLSearchParams(location.search).get("date");
      if (date) query.set("date", date);
      const answer = !asking.signal.aborted && await fetch(`${ROOT}/api/places?${query}`, { signal: asking.signal });
      if (answer.ok) found = (await answer.json()).places.flatMap((place) => this._rows(place));
    } catch {
      // Without a line, what is drawn can still be found.
    }
    if (this.asking !== asking) return;
    this.asking = null;
    this.elsewhere = found;
    this._offer();
  }

  // A place of the server as rows of the list: itself, and of another time also where its ground lies today.
  _rows(place) {
    const now = new URLSearchParams(location.search);
    const key = place.level === "hamlet" && place.around.length ? `${place.around[0].code}/${place.code}` : place.code;
    const shown = place.set === now.get("set") && place.level === now.get("level");
    const known = shown && this.places().find((each) => each.key === key);
    if (known) return [known];
    const note = [place.around.map((each) => each.name).join(", "), place.set === now.get("set") ? "" : this._period(place),
      place.today.length ? t("today: {places}", { places: place.today.map((each) => each.name).join(", ") }) : ""];
    const rows = [{ key, name: place.name, note: note.filter(Boolean).join(" · "), href: this._address(place.set, place.level, key) }];
    for (const heir of place.today.slice(0, 3)) {
      rows.push({ key: heir.code, name: heir.name, note: t("today, was {name}", { name: place.name }),
        href: this._address(heir.set, heir.level, heir.code) });
    }
    return rows;
  }

  _period(place) {
    return place.valid_to ? t("until {day}", { day: day(place.valid_to) }) : place.set_label;
  }

  _address(set, level, key) {
    // A map of very many hamlets has none of them as a level of its own.
    const [unit] = key.split("/");
    const hamlets = level === "hamlet" && page.tiles;
    const leaf = page.sets.find((each) => each.id === set)?.levels.at(-1);
    const query = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries({ set, level: hamlets ? leaf : level, unit: hamlets ? unit : key })) query.set(name, value);
    return `${location.pathname}?${query}`;
  }

  _draw() {
    const rows = this.found.map((place, index) => {
      const row = make("li", { id: `place-${index}`, role: "option", class: "search-row", "aria-selected": String(index === this.at) },
        make("b", {}, place.name), place.note && make("span", {}, place.note));
      row.addEventListener("click", () => this._take(place));
      return row;
    });
    const none = !rows.length && !this.asking && make("li", { class: "search-none", role: "option", "aria-disabled": "true", "aria-selected": "false" },
      t("No place of this name. Look at another level, or write less of it."));
    this.list.replaceChildren(...rows, ...(none ? [none] : []));
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    if (this.at >= 0) this.input.setAttribute("aria-activedescendant", `place-${this.at}`);
    else this.input.removeAttribute("aria-activedescendant");
    this.said.textContent = rows.length ? t("{number} places found", { number: rows.length }) : "";
  }

  _key(event) {
    const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (way && this.found.length) {
      this.at = (this.at + way + this.found.length) % this.found.length;
      this._draw();
      event.preventDefault();
    } else if (event.key === "Enter" && this.found[this.at]) {
      event.preventDefault();
      this._take(this.found[this.at]);
    } else if (event.key === "Escape" && !this.list.hidden) {
      event.stopPropagation();
      this._close();
    }
  }

  _take(place) {
    this.input.value = "";
    this._close();
    if (place.href) location.assign(place.href);
    else this.choose(place);
  }

  _close() {
    this.asking?.abort();
    this.asking = null;
    this.found = [];
    this.at = -1;
    this.list.hidden = true;
    this.list.replaceChildren();
    this.said.textContent = "";
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }
}
