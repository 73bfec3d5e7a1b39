// Two maps that move together: the same places under two questions, on one scale of colours.

import { make, page, shortName, t } from "./words.js";
import { coverage } from "./figures.js";
import { measure, scale, spoken } from "./measures.js";
import { nameOf, popup } from "./unit_words.js";

const { parts } = L.coverage;
const sides = ["left", "right"].map((name) => ({
  map: window[`map_${name}`],
  areas: parts[`${name}_areas`],
  hamlets: parts[`${name}_hamlets`],
  laid: parts[`${name}_filter`],
  told: document.getElementById(`laid-${name}`),
  state: page[name],
  bubble: L.popup({ minWidth: 210, maxWidth: 280, className: "unit-popup", autoPan: false }),
  units: new Map(),
  above: new Map(),
}));
const hamletsShown = page.right.level === "hamlet";
// Of a whole country no file holds the communes in detail: from near they come from tiles.
const WIDE_MOST = 7;

function complain(error) {
  const box = document.getElementById("trouble");
  box.textContent = error.status
    ? t("The server could not answer (code {status}). Try again in a while.", { status: error.status })
    : t("The server does not answer. Check the connection; what is shown may be old.");
  box.hidden = false;
}

// What the server is still at, "" for nothing.
function wait(text) {
  document.getElementById("waiting").textContent = text;
}

const keyed = (answer) => new Map((answer?.units || []).filter((unit) => unit.key).map((unit) => [unit.key, unit]));

// A place asked on one map opens on both.
function open(key, above) {
  for (const side of sides) {
    const layer = above || !hamletsShown ? side.areas : side.hamlets;
    const unit = (above ? side.above : side.units).get(key);
    const path = layer.path(key);
    if (!path) continue;
    const answer = above ? side.aboveAnswer : side.answer;
    const name = path.feature.properties.name;
    side.bubble.setLatLng(path.getBounds().getCenter()).setContent(unit ? popup(unit, nameOf(unit, answer.level), answer, null)
      : make("article", { class: "popup" }, make("h3", {}, name), make("p", {}, t("Nobody was asked here yet.")))).openOn(side.map);
    if (!above) layer.select(key);
  }
}

async function fill(side) {
  const [answer, above] = await Promise.all([
    coverage(side.state, side.state.level), page.above ? coverage(side.state, page.above) : null,
  ]);
  side.answer = answer;
  side.aboveAnswer = above;
  side.units = keyed(answer);
  side.above = keyed(above);
  const colours = (layer, units) =>
    layer.setFigures(units, measure("coverage", layer.options.measures, [...units.values()]));
  colours(hamletsShown ? side.hamlets : side.areas, side.units);
  if (hamletsShown) colours(side.areas, side.above);
  if (answer.design === "cluster_survey") parts.legend.setScale(scale((hamletsShown ? side.hamlets : side.areas).measure, "", true));
  showTiles(side);
}

function showTiles(side) {
  if (!side.tiles || !side.answer) return;
  side.tiles.show(side.state, side.areas.measure, side.answer, page.wide);
  (window.requestIdleCallback || setTimeout)(() => side.tiles.prepare());
}

// People of a filter lie over both maps, each on its own day; taking it off leaves the two maps.
function layFilter({ map, laid, told, state }) {
  laid.options.remove = () => {
    const query = new URLSearchParams(location.search);
    query.delete("filter");
    location.search = query;
  };
  laid.on("failed", ({ error }) => complain(error));
  laid.on("told", ({ text, legend }) => {
    told.replaceChildren(legend ?? text);
    told.hidden = !legend && !text;
  });
  laid.setState(state).addTo(map);
}

for (const side of sides) {
  const { map, areas, hamlets } = side;
  const faint = () => {
    const covered = Boolean(side.tiles?.covers());
    const near = page.tiles && map.getZoom() >= 11 && (covered || !page.wide);
    areas.setFaint((hamletsShown && hamlets.isVisible()) || near);
    areas.setAway(covered);
  };
  side.faint = faint;
  areas.options.most = page.wide ? WIDE_MOST : Infinity;
  for (const layer of [areas, hamlets]) {
    const own = () => (layer === hamlets || !hamletsShown ? side.units : side.above);
    layer.nameBy(shortName);
    layer.describe = ({ key, name }) => {
      const unit = own().get(key);
      return make("span", {}, make("b", {}, name), make("br"), unit ? spoken("coverage", unit).join(" ") : t("no data"));
    };
    layer.on("failed", ({ error }) => complain(error));
    layer.on("drawn", faint);
    layer.on("pick", async ({ key, at }) => {
      const met = await Promise.all(sides.map((each) => each.tiles?.pick(at)));
      if (!met.some(Boolean)) open(key, layer === areas && hamletsShown);
    });
  }
  if (side.laid) layFilter(side);
  map.on("zoomend", faint);
  faint();
  map.setMinZoom(4).setMaxZoom(18);
  map.attributionControl.setPrefix("Leaflet");
  fill(side).catch(complain);
}

// Of very many hamlets, or communes, each map draws its own from tiles; one that is asked for opens on both.
if (page.tiles || page.wide) {
  import("./tile_layer.js").then(({ hamletTiles }) => {
    for (const side of sides) {
      side.tiles = hamletTiles(side.map, side.areas, side.bubble, complain, wait, page.tiles);
      side.tiles.nameAbove = (code) => (side.units.get(code) || side.above.get(code))?.name;
      side.tiles.on("covers", side.faint);
      showTiles(side);
    }
    sides.forEach(({ map }, index) => map.on("click", ({ latlng }) => sides[1 - index].tiles.pick(latlng)));
  });
}

// Where one map goes, the other follows; the one that follows does not lead back.
let following = false;
for (const [one, other] of [sides, [...sides].reverse()]) {
  one.map.on("move zoomend", () => {
    if (following) return;
    following = true;
    other.map.setView(one.map.getCenter(), one.map.getZoom(), { animate: false });
    following = false;
  });
}
sides[1].map.setView(sides[0].map.getCenter(), sides[0].map.getZoom(), { animate: false });
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") for (const { map } of sides) map.closePopup();
});
document.documentElement.dataset.ready = "true";
