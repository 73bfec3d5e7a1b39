// People of a filter of the lists: a circle a hamlet, and for those who may see positions a dot a house.

import { count, make, percent, t } from "./words.js";

const LEAST_RADIUS = 5;
const MOST_RADIUS = 24;
const NEAR_ZOOM = 14;

// The filter has a group, a dose and a day of its own kind; of the map it takes boundaries and the day.
export function ask({ filter, campaign, set, date }) {
  if (!filter) return null;
  const query = new URLSearchParams(filter);
  if (!query.has("campaign")) query.set("campaign", campaign);
  query.set("set", set);
  query.set("date", date);
  return query;
}

export function waits({ stage, share }) {
  return stage ? t("The lists are being prepared: {share} done", { share: percent(share || 0, 0) }) : "";
}

export function draw(answer, { map, options }) {
  const [colour] = options.colours;
  const hamlets = L.layerGroup();
  const most = Math.max(1, ...answer.hamlets.map(([, , people]) => people));
  for (const [lat, lon, people, name] of [...answer.hamlets].sort((a, b) => b[2] - a[2])) {
    const radius = LEAST_RADIUS + (MOST_RADIUS - LEAST_RADIUS) * Math.sqrt(people / most);
    const words = t("{place}: {people} people of the filter", { place: name, people: count(people) });
    hamlets.addLayer(L.circleMarker([lat, lon], { radius, color: colour, weight: 2, fillOpacity: 0.12 })
      .bindTooltip(make("span", {}, words)));
  }
  const drawn = L.layerGroup([hamlets]);
  if (!answer.houses?.length) return drawn;
  const houses = L.layerGroup(answer.houses.map(([lat, lon, people]) =>
    L.circleMarker([lat, lon], { radius: 4, color: colour, weight: 1, fillOpacity: 0.9 })
      .bindTooltip(make("span", {}, t("{people} people of the filter in this house", { people: count(people) })))));
  const choose = () => {
    const near = map.getZoom() >= NEAR_ZOOM;
    drawn.addLayer(near ? houses : hamlets).removeLayer(near ? hamlets : houses);
  };
  drawn.on("add", () => { map.on("zoomend", choose); choose(); });
  drawn.on("remove", () => map.off("zoomend", choose));
  return drawn;
}

export function legend({ people, list, unplaced, criteria }, { remove }) {
  return make("span", {},
    make("a", { href: list }, t("Filter: {people} people", { people: count(people) })),
    unplaced ? ` (${t("{people} of them without a position", { people: count(unplaced) })})` : "", ...criteria.map((words) => ` · ${words}`), " · ",
    make("button", { type: "button", class: "link", onclick: remove }, t("Take the filter off")));
}
