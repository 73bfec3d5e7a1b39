// A search field on the map: names with or without accents, and on to the place that is chosen.

import { compareNames, make, plain, t } from "./words.js";

const MOST = 8;

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
    this.at = this.found.length ? 0 : -1;
    this._draw();
  }

  _draw() {
    const rows = this.found.map((place, index) => {
      const row = make("li", { id: `place-${index}`, role: "option", class: "search-row", "aria-selected": String(index === this.at) },
        make("b", {}, place.name), place.note && make("span", {}, place.note));
      row.addEventListener("click", () => this._take(place));
      return row;
    });
    const none = !rows.length && make("li", { class: "search-none", role: "option", "aria-disabled": "true", "aria-selected": "false" },
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
    this.choose(place);
  }

  _close() {
    this.found = [];
    this.at = -1;
    this.list.hidden = true;
    this.list.replaceChildren();
    this.said.textContent = "";
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }
}
