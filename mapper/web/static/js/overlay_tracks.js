// Canvassers' ways of the day: a line each from house to house, the houses in their order.

import { count, make, t } from "./words.js";

export const ask = ({ campaign, set, date }) => ({ campaign, set, date });

const colourOf = (place, options) => options.colours[place % options.colours.length];

const told = ({ name, number, time }) => (time
  ? t("{name}: house {number}, at {time}", { name, number, time })
  : t("{name}: house {number}", { name, number }));

export function draw({ features }, { options }) {
  const drawn = L.featureGroup();
  for (const { geometry, properties } of features) {
    const colour = colourOf(properties.place, options);
    if (properties.kind === "track") {
      const line = L.polyline(L.GeoJSON.coordsToLatLngs(geometry.coordinates), { color: colour, weight: 3, opacity: 0.9,
        dashArray: Math.floor(properties.place / options.colours.length) % 2 ? "7 5" : null });
      const { name, houses, first, last } = properties;
      line.bindTooltip(make("span", {}, make("b", {}, name), make("br"), first
        ? t("{houses} houses, {first} to {last}", { houses: count(houses), first, last })
        : t("{houses} houses", { houses: count(houses) })), { sticky: true, className: "unit-tip" });
      drawn.addLayer(line);
    } else {
      const [lon, lat] = geometry.coordinates;
      const first = properties.number === 1;
      drawn.addLayer(L.circleMarker([lat, lon], { radius: first ? 7 : 4, color: first ? "#111a21" : "#fff",
        weight: first ? 2.5 : 1, fillColor: colour, fillOpacity: 1 })
        .bindTooltip(make("span", {}, told(properties)), { className: "unit-tip" }));
    }
  }
  return drawn;
}

export function legend({ features }, options) {
  const names = new Map(features.map(({ properties }) => [properties.place, properties.name]));
  if (!names.size) return make("span", {}, t("No canvasser's visits on this day"));
  const few = [...names].slice(0, 6);
  return make("span", { class: "legend-ways" }, make("span", {}, t("Ways of the day, the first house ringed:")),
    ...few.map(([place, name]) => make("span", {},
      make("span", { class: "legend-way", style: { "--ground": colourOf(place, options) } }), name)),
    names.size > few.length && make("span", {}, t("and {number} more canvassers", { number: names.size - few.length })));
}
