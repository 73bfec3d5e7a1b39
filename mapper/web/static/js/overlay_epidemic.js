// Epidemic level of each commune on the day shown: its number on its colour, never the colour alone.

import { make, page, t } from "./words.js";
import { ROOT } from "./root.js";

// So far out, badges would lie on each other.
const FROM_ZOOM = 8;

export const ask = ({ set, date }) => ({ set, date });

const levelName = (level) => ({
  1: t("Level 1"), 2: t("Level 2"), 3: t("Level 3"), 4: t("Level 4"),
})[level];

function badge(level, options) {
  const [, ground, on] = options.colours[level - 1];
  return make("span", { class: "epidemic-badge", style: { "--ground": ground, "--on": on } }, String(level));
}

// Badges of the communes in view alone: a country has thousands.
const Badges = L.LayerGroup.extend({
  initialize(places, options) {
    L.LayerGroup.prototype.initialize.call(this, []);
    this._places = places;
    this._look = options;
  },
  onAdd(map) {
    L.LayerGroup.prototype.onAdd.call(this, map);
    map.on("moveend", this._place, this);
    this._place();
  },
  onRemove(map) {
    map.off("moveend", this._place, this);
    L.LayerGroup.prototype.onRemove.call(this, map);
  },
  _place() {
    this.clearLayers();
    if (this._map.getZoom() < FROM_ZOOM) return;
    const view = this._map.getBounds().pad(0.1);
    for (const { at, level, name } of this._places) {
      if (!view.contains(at)) continue;
      const icon = L.divIcon({ className: "", html: badge(level, this._look), iconSize: [24, 22], iconAnchor: [12, 30] });
      this.addLayer(L.marker(at, { icon, keyboard: false, interactive: false, alt: `${name}: ${levelName(level)}` }));
    }
  },
});

export async function draw(answer, { state, options }) {
  const level = page.sets.find((each) => each.id === state.set).levels.at(-1);
  const reply = await fetch(`${ROOT}/api/shapes?${new URLSearchParams({ level, set: state.set, zoom: 9 })}`);
  if (!reply.ok) throw Object.assign(new Error("shapes"), { status: reply.status });
  const { features } = await reply.json();
  const places = features.filter((each) => each.geometry && answer.levels[each.properties.key]).map((each) => ({
    at: L.unitLabels.centre(each.geometry), level: answer.levels[each.properties.key], name: each.properties.name }));
  return new Badges(places, options);
}

export function legend(answer, options) {
  const numbers = Object.values(answer.levels);
  if (!numbers.length) return make("span", {}, t("No epidemic level was entered for this day"));
  const carried = Object.keys(answer.carried_from).length;
  return make("span", { class: "legend-levels" }, make("span", {}, t("Epidemic level:")),
    ...[1, 2, 3, 4].map((level) => make("span", { class: "legend-level" }, badge(level, options),
      t("{number} communes", { number: numbers.filter((each) => each === level).length }))),
    carried > 0 && make("span", {}, t("{number} carried over from other boundaries, the highest of each", { number: carried })));
}
