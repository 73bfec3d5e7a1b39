// What the colours show, and which groups come first: the upper part of the map's one panel of layers.

import { count, make, t } from "./words.js";
import { MEASURES, measureName } from "./measures.js";

export class MapChoice {
  // control: Folium's layer control. choose(name): another figure. first(code): a priority group was chosen.
  // due(code): how many people of that group are due, a promise.
  constructor(control, { choose, first, due }) {
    this.ask = due;
    this.first = first;
    this.box = control.getContainer();
    this.radios = new Map(MEASURES().map(([name, label]) => {
      const radio = make("input", { type: "radio", name: "show", value: name });
      radio.addEventListener("change", () => choose(name));
      return [name, { radio, row: make("label", { class: "layer-row" }, radio, make("span", {}, label)) }];
    }));
    this.rows = [];
    this.groups = make("fieldset", { class: "layer-part", hidden: true });
    const figures = make("fieldset", { class: "layer-part" }, make("legend", {}, t("What the colours show")),
      ...[...this.radios.values()].map(({ row }) => row));
    control.getContainer().querySelector(".leaflet-control-layers-list").prepend(figures, this.groups,
      make("p", { class: "layer-title" }, t("On the map")));
    this._button(control);
  }

  _button(control) {
    this.word = make("span", { class: "layers-word" });
    const toggle = this.box.querySelector(".leaflet-control-layers-toggle");
    toggle.replaceChildren(this.word);
    toggle.removeAttribute("title");
    toggle.setAttribute("role", "button");
    // Folium's control opens under a pointer; on a busy map it should open only when it is asked to.
    L.DomEvent.off(this.box, "mouseenter").off(this.box, "mouseleave");
    const said = new MutationObserver(() => {
      const open = this.box.classList.contains("leaflet-control-layers-expanded");
      toggle.setAttribute("aria-expanded", open);
      if (open) this._count();
    });
    said.observe(this.box, { attributes: true, attributeFilter: ["class"] });
    const close = make("button", { type: "button", class: "layers-close", "aria-label": t("Close the layers") }, "×");
    const shut = () => {
      control.collapse();
      toggle.focus();
    };
    close.addEventListener("click", shut);
    this.box.querySelector(".leaflet-control-layers-list").append(close);
    this.box.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.box.classList.contains("leaflet-control-layers-expanded")) return;
      event.stopPropagation();
      shut();
    });
  }

  // name: the figure shown. groups: [{code, label}] of the campaign that have priorities; chosen: the code shown.
  show(name, groups, chosen) {
    for (const [each, { radio }] of this.radios) radio.checked = each === name;
    this.word.textContent = t("Layers: {figure}", { figure: measureName(name) });
    // The rows stay where the groups do: a click on a row that is gone would pass for one on the map.
    if (groups.map((each) => each.code).join() !== this.rows.map((each) => each.code).join()) this._draw(groups);
    for (const { code, row } of this.rows) row.setAttribute("aria-pressed", String(code === chosen));
    if (this.box.classList.contains("leaflet-control-layers-expanded")) this._count();
  }

  _draw(groups) {
    this.rows = groups.map(({ code, label }) => {
      const note = make("small", {});
      const row = make("button", { type: "button", class: "layer-row layer-group" }, make("span", {}, label), note);
      row.addEventListener("click", () => this.first(code));
      return { code, row, note };
    });
    this.groups.hidden = !groups.length;
    this.groups.replaceChildren(make("legend", {}, t("Priority groups")), ...this.rows.map(({ row }) => row));
  }

  async _count() {
    for (const { code, note } of this.rows) {
      try {
        const due = await this.ask(code);
        note.textContent = due === null ? t("no data") : t("{people} due", { people: count(due) });
      } catch {
        note.textContent = "";
      }
    }
  }
}
