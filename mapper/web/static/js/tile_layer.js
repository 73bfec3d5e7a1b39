// Hamlets of a national map, drawn from vector tiles: 90,000 outlines are more than a browser holds, what a screen shows
// of them is not. Points at the middle of their houses from far away, areas from near; colours as the other layers'.
//
// Loaded by the map page where there are so many hamlets.

import { PbfReader, VectorTile } from "../vendor/vector-tile/vector_tile.js";
import { count, make, percent, t } from "./words.js";
import { spoken } from "./measures.js";
import { silence } from "./unit_words.js";

const DOT = 4;
const JOINED = 5.5;
const REACH = 12;
const LINE = "rgba(34, 48, 58, 0.9)";
const KEPT = 300;
const AGAIN_MS = 1500;
const RENEW_MS = { older: 10000, partial: 2500 };

const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

// A feature's properties as the figures of a unit, which measures.js reads.
function unitOf(told) {
  const share = told.visited;
  return {
    ...told,
    coverage: told.coverage ?? null,
    needed: told.needed ?? null,
    households_interviewed: told.eligible ? 1 : 0,
    households_expected: share === undefined ? null : 1,
    households_unvisited: share === undefined ? 0 : 1 - share,
  };
}

function hatching(context) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8;
  const pen = tile.getContext("2d");
  pen.strokeStyle = "rgba(22, 32, 40, 0.62)";
  pen.lineWidth = 1.3;
  pen.beginPath();
  for (const shift of [-8, 0, 8]) {
    pen.moveTo(shift, 8);
    pen.lineTo(shift + 8, 0);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat");
}

const inside = (x, y, rings) => rings.reduce((found, ring) => {
  for (let at = 0, before = ring.length - 1; at < ring.length; before = at, at += 1) {
    const [a, b] = [ring[at], ring[before]];
    if (a.y > y !== b.y > y && x < ((b.x - a.x) * (y - a.y)) / (b.y - a.y) + a.x) found = !found;
  }
  return found;
}, false);

const TileLayer = L.GridLayer.extend({
  options: { url: "/api/tiles", minZoom: 6, maxNativeZoom: 16, pane: "hamletTiles", noData: "#b9c0c6", thin: 0.5 },

  initialize(options) {
    L.setOptions(this, options);
    this._held = new Map();
    this._query = null;
  },

  onAdd(map) {
    if (!map.getPane("hamletTiles")) {
      const pane = map.createPane("hamletTiles");
      pane.style.zIndex = 410;
      pane.style.pointerEvents = "none";
    }
    L.GridLayer.prototype.onAdd.call(this, map);
  },

  // state: what the page shows. answer: its figures of the communes. measure: what the colours say, as measures.js makes it; the same as the legend's.
  show(state, measure, answer) {
    const { campaign, set, group, dose, date } = state;
    const query = new URLSearchParams({ campaign, set, group, dose, date, layers: "hamlets" }).toString();
    const same = query === this._query && measure === this._measure;
    this._measure = measure;
    this._target = answer?.target;
    this._sampled = answer?.design === "cluster_survey";
    if (query !== this._query) {
      this._query = query;
      this._held.clear();
    }
    if (!same && this._map) this.redraw();
    return this;
  },

  // Leaflet's own redraw takes a zoom of 11.5 as it is, and there are no tiles of it.
  _clampZoom(zoom) {
    return L.GridLayer.prototype._clampZoom.call(this, Math.round(zoom));
  },

  // Ask for all tiles anew: something was counted. The browser's own copies are asked about by their tags.
  renew() {
    this._held.clear();
    if (this._map) this.redraw();
  },

  // Tiles have whole zooms. Leaflet forgets to round where it draws anew between two of them.
  _clampZoom(zoom) {
    return L.GridLayer.prototype._clampZoom.call(this, Math.round(zoom));
  },

  createTile(coords, done) {
    const size = this.getTileSize();
    const scale = Math.min(2, window.devicePixelRatio || 1);
    const canvas = L.DomUtil.create("canvas", "leaflet-tile");
    [canvas.width, canvas.height] = [size.x * scale, size.y * scale];
    this._hamlets(coords).then((hamlets) => {
      const context = canvas.getContext("2d");
      context.scale(scale, scale);
      this._draw(context, hamlets, size.x / 4096);
      done(null, canvas);
    }).catch((error) => done(error, canvas));
    return canvas;
  },

  // The bytes of a tile; null where another question is asked meanwhile. While the server works a country's figures out, it
  // is asked again and again how far it is; where it has something newer soon, all are asked for anew a while later.
  async _ask(place, query) {
    for (;;) {
      const reply = await fetch(`${this.options.url}/${place}.mvt?${query}`);
      if (reply.status === 202) {
        const { share } = await reply.json();
        this.fire("waits", { share });
        await pause(AGAIN_MS);
        if (query !== this._query || !this._map) return null;
      } else {
        if (!reply.ok) throw Object.assign(new Error(place), { status: reply.status });
        this.fire("waits", { share: null });
        this._renewLater(RENEW_MS[reply.headers.get("Figures")]);
        return reply.arrayBuffer();
      }
    }
  },

  _renewLater(after) {
    if (!after) return;
    this._later ??= setTimeout(() => {
      this._later = null;
      if (!document.hidden) this.renew();
    }, after);
  },

  async _hamlets({ z, x, y }) {
    const query = this._query;
    const place = `${z}/${x}/${y}`;
    if (!query) return [];
    if (!this._held.has(place)) {
      const asked = this._ask(place, query).then((content) => {
        const layer = content && new VectorTile(new PbfReader(content)).layers.hamlets;
        return Array.from({ length: layer ? layer.length : 0 }, (_, index) => {
          const feature = layer.feature(index);
          return { point: feature.type === 1, rings: feature.loadGeometry(), unit: unitOf(feature.properties) };
        });
      });
      this._held.set(place, asked);
      asked.catch(() => this._held.delete(place));
      if (this._held.size > KEPT) this._held.delete(this._held.keys().next().value);
    }
    return this._held.get(place);
  },

  _colour(unit) {
    const value = this._measure ? this._measure.value(unit) : null;
    if (value === null || value === undefined) return this.options.noData;
    const { classes } = this._measure;
    return (classes.find((each) => value < each.end) || classes.at(-1)).colour;
  },

  _isThin(unit) {
    if (this._sampled) return this._measure?.hatches && unit.coverage !== null;
    return this._measure?.hatches && unit.visited !== undefined && unit.visited < this.options.thin;
  },

  _draw(context, hamlets, scale) {
    const hatch = hatching(context);
    context.strokeStyle = LINE;
    for (const { point, rings, unit } of hamlets) {
      context.beginPath();
      if (point) {
        const { x, y } = rings[0][0];
        context.arc(x * scale, y * scale, unit.number ? JOINED : DOT, 0, 2 * Math.PI);
        // A light ring, so that a dot is seen on its commune's hatching.
        context.lineWidth = 4;
        context.strokeStyle = "#fff";
        context.stroke();
        context.strokeStyle = LINE;
        context.lineWidth = unit.number ? 2 : 1;
      } else {
        for (const ring of rings) {
          ring.forEach(({ x, y }, index) => context[index ? "lineTo" : "moveTo"](x * scale, y * scale));
          context.closePath();
        }
        context.lineWidth = 0.9;
      }
      context.fillStyle = this._colour(unit);
      context.fill("evenodd");
      if (this._isThin(unit)) {
        context.fillStyle = hatch;
        context.fill("evenodd");
      }
      context.stroke();
    }
  },

  // The hamlet drawn at a place, or null. A finger may miss a dot by some pixels.
  async at(latlng) {
    const z = this._tileZoom;
    if (z === undefined || !this._map?.hasLayer(this)) return null;
    const size = this.getTileSize();
    const spot = this._map.project(latlng, z);
    const coords = { z, x: Math.floor(spot.x / size.x), y: Math.floor(spot.y / size.y) };
    const hamlets = await this._hamlets(coords).catch(() => []);
    const [x, y] = [(spot.x / size.x - coords.x) * 4096, (spot.y / size.y - coords.y) * 4096];
    const reach = (REACH * 4096) / size.x;
    let [best, nearest] = [null, reach];
    for (const hamlet of hamlets) {
      if (hamlet.point) {
        const away = Math.hypot(hamlet.rings[0][0].x - x, hamlet.rings[0][0].y - y);
        if (away < nearest) [best, nearest] = [hamlet, away];
      } else if (inside(x, y, hamlet.rings)) {
        return hamlet.unit;
      }
    }
    return best && best.unit;
  },

  // What a popup says of a hamlet, or of several that are too near to be told apart.
  words(unit) {
    const show = this._measure?.name || "coverage";
    const target = this._target;
    const line = (name) => {
      const [figure, said] = spoken(name, unit, target);
      return make("p", {}, make("b", {}, figure), ` ${said}`);
    };
    return make("article", { class: "popup" },
      make("header", { class: "popup-head" }, make("h3", {}, unit.number
        ? t("{number} hamlets close together", { number: count(unit.number) }) : unit.name || t("Hamlet"))),
      line("coverage"), ...(show === "coverage" ? [] : [line(show)]),
      unit.visited === undefined ? "" : make("p", {}, t("{share} of the houses visited", { share: percent(unit.visited, 0) })),
      this._sampled && unit.coverage !== null ? make("p", { class: "popup-thin" }, silence("hamlet")) : "",
      unit.number ? make("p", { class: "popup-none" }, t("Zoom in to tell them apart.")) : "");
  },
});

// Put hamlets on the map. areas: the layer of communes, whose clicks come first; bubble: the page's popup. wait(text): what
// to say while the server is still at work, "" when it is done.
export function hamletTiles(map, areas, bubble, complain, wait = () => {}) {
  const layer = new TileLayer({ noData: areas.options.noData, thin: areas.options.thin }).addTo(map);
  layer.on("waits", ({ share }) => wait(share === null ? ""
    : t("Hamlets are being prepared: {share}", { share: percent(share, 0) })));
  layer.on("tileerror", ({ error }) => complain(error));
  // At a click: whether a hamlet was meant; its popup then is open.
  layer.pick = async (at) => {
    const unit = await layer.at(at);
    if (unit) bubble.setLatLng(at).setContent(layer.words(unit)).openOn(map);
    return Boolean(unit);
  };
  map.on("click", ({ latlng }) => layer.pick(latlng));
  return layer;
}
