// The ranked table beside the map: lowest coverage first, places hardly visited and places without data apart.

import { compareNames, count, make, plain, shortName, t } from "./words.js";
import { isThin, visitedShare } from "./figures.js";
import { bar, figure, nameOf, number, share, targetOf, verdictWord, visits } from "./unit_words.js";

// Rows of a group drawn at first, and again each time the reader comes near the last of them.
const STEP = 40;

const VALUES = {
  name: (unit) => shortName(unit.name || ""),
  place: (unit, places) => shortName(places.get(unit.parent) || ""),
  coverage: (unit) => unit.coverage,
  vaccinated: (unit) => unit.vaccinated,
  visited: (unit) => visitedShare(unit),
  needed: (unit) => unit.needed,
};

// Groups in their order; each unit stands in the first that takes it.
const GROUPS = [
  { id: "judged", takes: (unit) => unit.code && unit.coverage !== null && !isThin(unit) },
  { id: "thin", takes: (unit) => unit.code && unit.coverage !== null },
  { id: "empty", takes: (unit) => unit.code },
  { id: "lost", takes: () => true },
];

const levelTitle = (level) => ({
  hamlet: t("Hamlet"), commune: t("Commune"), district: t("District"), province: t("Province"),
})[level] || t("Place");

const groupTitle = (id, answer) => ({
  judged: answer.target === null || answer.design === "cluster_survey" ? t("Lowest coverage first") : t("Half of the houses visited or more, lowest coverage first"),
  thin: answer.design === "cluster_survey" ? t("In the sample, which says nothing about these places by themselves")
    : t("Hardly visited (under half of the houses): figures that say little"),
  empty: t("No data yet"),
  lost: t("Households that belong to no place of this level"),
})[id];

export class UnitTable {
  // box: the element to fill. pick: called with the key of the row chosen.
  constructor(box, pick) {
    this.box = box;
    this.pick = pick;
    this.order = { by: "coverage", down: false };
    this.filter = "";
    this.more = new Map();
    this.rows = new Map();
    this.watcher = new IntersectionObserver((seen) => {
      for (const one of seen) if (one.isIntersecting && one.target.isConnected) one.target.click();
    }, { rootMargin: "300px" });
    box.addEventListener("keydown", (event) => this._step(event));
  }

  // places: Map from the code of a unit above to its name.
  show(answer, places) {
    this.answer = answer;
    this.places = places;
    this.words = new Map(answer.units.map((unit) => [unit, plain(`${unit.name || ""} ${places.get(unit.parent) || ""}`)]));
    this.draw();
  }

  setFilter(text) {
    this.filter = plain(text);
    this.more.clear();
    this.draw();
  }

  // Every row drawn, for paper.
  unfold() {
    for (const { id } of GROUPS) this.more.set(id, Infinity);
    this.draw();
  }

  select(key, { scroll = true } = {}) {
    this.rows.get(this.selected)?.removeAttribute("aria-current");
    this.selected = key;
    if (!key) return;
    if (!this.rows.has(key) && this._reveal(key)) this.draw();
    const row = this.rows.get(key);
    if (!row) return;
    row.setAttribute("aria-current", "true");
    if (scroll) row.scrollIntoView({ block: "nearest" });
  }

  draw() {
    const { answer } = this;
    if (!answer) return;
    this.rows.clear();
    this.watcher.disconnect();
    const wanted = this.filter.split(/\s+/).filter(Boolean);
    const units = answer.units.filter((unit) => wanted.every((word) => this.words.get(unit).includes(word)));
    const ranged = units.some((unit) => unit.ranges);
    const table = make("table", { class: `units${ranged ? " units-ranged" : ""}`, role: "table" }, this._head());
    const grouped = new Map(GROUPS.map((group) => [group.id, []]));
    for (const unit of units) grouped.get(GROUPS.find((group) => group.takes(unit)).id).push(unit);
    for (const [id, members] of grouped) {
      if (members.length) table.append(this._group(id, this._sorted(members)));
    }
    this.box.replaceChildren(table);
    if (!units.length) {
      this.box.append(make("p", { class: "units-none" }, answer.units.length
        ? t("No name matches. Clear the search box to see all.")
        : t("Nothing here yet: no place of this level, or none that you may see.")));
    }
    if (this.selected) this.rows.get(this.selected)?.setAttribute("aria-current", "true");
    return units.length;
  }

  _sorted(units) {
    const { by, down } = this.order;
    const value = (unit) => VALUES[by](unit, this.places);
    const compare = (a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === null || y === null) return (x === null) - (y === null);
      const way = typeof x === "string" ? compareNames(x, y) : x - y;
      return down ? -way : way;
    };
    return units.sort((a, b) => compare(a, b) || b.due - a.due || compareNames(a.name || "", b.name || ""));
  }

  _head() {
    const { level } = this.answer;
    const columns = [
      ["name", levelTitle(level)],
      ["place", level === "hamlet" ? t("Commune") : t("Belongs to")],
      ["coverage", t("Coverage")],
      ["vaccinated", t("Vaccinated")],
      ["visited", t("Visited")],
      ["needed", t("Needed")],
    ];
    const cells = columns.map(([by, title]) => {
      const mine = this.order.by === by;
      return make("th", { scope: "col", role: "columnheader", class: `col-${by}`,
        "aria-sort": mine ? (this.order.down ? "descending" : "ascending") : "none" },
      make("button", { type: "button", class: "sort", onclick: () => this._sortBy(by) }, title));
    });
    cells.push(make("th", { scope: "col", role: "columnheader", class: "col-verdict" }, t("Verdict")));
    return make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, ...cells));
  }

  _sortBy(by) {
    this.order = { by, down: this.order.by === by ? !this.order.down : by === "needed" };
    this.draw();
    this.box.querySelector(`.col-${by} .sort`).focus();
  }

  _group(id, units) {
    const body = make("tbody", { class: `group group-${id}`, role: "rowgroup" },
      make("tr", { class: "group-head", role: "row" }, make("th", { colspan: 7, scope: "rowgroup", role: "rowheader" },
        groupTitle(id, this.answer), make("span", { class: "group-count" }, count(units.length)))));
    this._fill(body, id, units, 0);
    return body;
  }

  // Rows of a group from the given one on, as far as the group is unfolded.
  _fill(body, id, units, from) {
    const shown = this.more.get(id) || STEP;
    for (const unit of units.slice(from, shown)) body.append(this._row(unit, id));
    if (this.selected) this.rows.get(this.selected)?.setAttribute("aria-current", "true");
    if (units.length > shown) {
      const showMore = () => {
        rest.remove();
        this.more.set(id, shown + STEP);
        this._fill(body, id, units, shown);
      };
      const button = make("button", { type: "button", class: "button", onclick: showMore },
        t("Show more ({number} left)", { number: count(units.length - shown) }));
      const rest = make("tr", { role: "row" }, make("td", { colspan: 7, role: "cell", class: "more" }, button));
      body.append(rest);
      this.watcher.observe(button);
    }
  }

  _row(unit, group) {
    const target = targetOf(unit, this.answer);
    const cell = (name, title, ...content) =>
      make("td", { role: "cell", class: `col-${name}`, "data-title": title }, ...content);
    // The row is picked by its button; whoever walks by keyboard finds the same links in the popup that opens.
    const link = (asked, text) => figure(this.answer, unit, asked, text, {
      tabindex: -1, onclick: (event) => event.stopPropagation() });
    const label = make("button", { type: "button", class: "row-button" }, shortName(nameOf(unit, this.answer.level)));
    const row = make("tr", { role: "row", class: `unit unit-${group}` },
      make("th", { scope: "row", role: "rowheader", class: "col-name" }, label),
      cell("place", "", shortName(this.places.get(unit.parent) || "")),
      cell("coverage", t("Coverage"), make("span", { class: "share" }, share(unit)), bar(unit, target)),
      cell("vaccinated", t("Vaccinated"), make("span", {},
        link({ state: "vaccinated" }, number(unit, "vaccinated")), "/", make("wbr"),
        link({ state: "eligible" }, number(unit, "eligible")))),
      cell("visited", t("Visited"), make("span", { class: isThin(unit) ? "thin-text" : "" },
        link({ houses: "expected" }, unit.households_expected ? visits(unit) : `${number(unit, "households_visited")}/?`))),
      cell("needed", t("Needed"),
        unit.needed || unit.ranges?.needed?.[2] ? link({ state: "due" }, number(unit, "needed")) : make("span", {}, unit.needed === null ? "–" : count(0))),
      cell("verdict", t("Verdict"), make("span", { class: `verdict verdict-${unit.verdict || "none"}` }, verdictWord(unit))));
    row.addEventListener("click", () => this.pick(unit.key));
    row.dataset.key = unit.key;
    this.rows.set(unit.key, row);
    return row;
  }

  // Makes the row of a key one that is drawn: past the filter and the fold. False where there is none.
  _reveal(key) {
    const unit = this.answer?.units.find((each) => each.key === key);
    if (!unit) return false;
    this.filter = "";
    this.onFilterCleared?.();
    this.more.set(GROUPS.find((group) => group.takes(unit)).id, Infinity);
    return true;
  }

  // Arrow keys walk from row to row.
  _step(event) {
    const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!way || !event.target.classList.contains("row-button")) return;
    const buttons = [...this.box.querySelectorAll(".row-button")];
    buttons[buttons.indexOf(event.target) + way]?.focus();
    event.preventDefault();
  }
}
