// What a map of very many places draws from vector tiles: 90,000 outlines are more than a browser holds, what a screen
// shows of them is not. Hamlets, as points at the middle of their houses from far away, as areas from near; and of a
// whole country its communes too, from the zoom on at which they can be told apart. Colours as the other layers'.
//
// Loaded by the map page where there are so many of either.

import { PbfReader, VectorTile } from "../vendor/vector-tile/vector_tile.js";
import { count, make, percent, shortName, t } from "./words.js";
import { measure, spoken } from "./measures.js";
import { inside, middle, trace, unitOf } from "./tile_features.js";
import { silence } from "./unit_words.js";
import { ROOT } from "./root.js";

const DOT = 4;
const JOINED = 5.5;
const REACH = 12;
const LINE = { communes: "#33424d", borders: "#111a21", hamlets: "rgba(34, 48, 58, 0.9)" };
const FAINT = 0.22;
const KEPT = 300;
const AGAIN_MS = 1500;
const RENEW_MS = { older: 10000, partial: 2500 };

// Of a whole country: where its communes come in, and their hamlets.
const COMMUNES_FROM = 8;
const HAMLETS_FROM = 11;

const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

const NOTHING = { borders: [], communes: [], hamlets: [] };

const TileLayer = L.GridLayer.extend({
  options: {
    url: `${ROOT}/api/tiles`, minZoom: 6, maxNativeZoom: 16, pane: "hamletTiles", noData: "#b9c0c6", thin: 0.5, full: 0.9, hamlets: true,
  },

  initialize(options) {
    L.setOptions(this, options);
    this._held = new Map();
    this._ready = new Map();
    this._query = null;
    this._whole = false;
    this.on("load", this._settle);
    this.on("loading", () => { this._failed = false; });
    this.on("tileerror", () => {
      this._failed = true;
      this._whole = false;
      this.fire("covers");
    });
  },

  onAdd(map) {
    if (!map.getPane("hamletTiles")) map.createPane("hamletTiles").style.pointerEvents = "none";
    this._setHeight(map);
    L.GridLayer.prototype.onAdd.call(this, map);
    map.on("zoomend", this._zoomed, this);
    map.on("moveend", this._drawLabels, this);
  },

  onRemove(map) {
    map.off("zoomend", this._zoomed, this);
    map.off("moveend", this._drawLabels, this);
    L.GridLayer.prototype.onRemove.call(this, map);
  },

  // Communes lie under what is drawn on them; dots lie on the communes' own layer.
  _setHeight(map) {
    map.getPane("hamletTiles").style.zIndex = this._wide ? 390 : 410;
  },

  _zoomed() {
    if (this._round() < COMMUNES_FROM) this._whole = false;
    this.fire("covers");
  },

  _round() {
    return this._map ? Math.round(this._map.getZoom()) : 0;
  },

  // state: what the page shows. answer: its figures of the areas. made: what the colours say, as measures.js makes it.
  // wide: whether the communes are drawn from tiles too.
  show(state, made, answer, wide = false) {
    const { campaign, set, group, dose, date } = state;
    const query = new URLSearchParams({ campaign, set, group, dose, date }).toString();
    const [same, before] = [query === this._query && made === this._made, this._wide];
    this._made = made;
    this._wide = wide;
    this._target = answer?.target;
    this._sampled = answer?.design === "cluster_survey";
    if (query !== this._query) {
      this._query = query;
      this._most = null;
      this._forget();
    }
    this._scales = null;
    if (!this._map) return this;
    if (wide !== before) {
      this._forget();
      this._setHeight(this._map);
      this.redraw();
    } else if (!same) {
      this._repaint();
    }
    return this;
  },

  _forget() {
    this._held.clear();
    this._ready.clear();
  },

  // The key of a unit to draw strongly, null for none.
  select(key) {
    if (key === this._selected) return;
    this._selected = key;
    if (this._wide && this._map) this._repaint();
  },

  // Whether what the tiles draw stands for the areas: those need not be drawn below.
  covers() {
    return Boolean(this._wide && this._whole && this._round() >= COMMUNES_FROM);
  },

  // Which kind of place the colours belong to, where tiles draw them.
  kind() {
    return this.options.hamlets && this._round() >= HAMLETS_FROM ? "hamlets" : "communes";
  },

  // Have the server begin, so that the first tile that is wanted is there.
  prepare() {
    if (!this._wide || !this._map || this._round() >= COMMUNES_FROM) return;
    const { x, y } = this._map.project(this._map.getCenter(), COMMUNES_FROM).divideBy(256).floor();
    this._features({ z: COMMUNES_FROM, x, y }).catch(() => {});
  },

  _layersAt(zoom) {
    if (!this._wide) return this.options.hamlets ? "hamlets" : "";
    if (zoom < COMMUNES_FROM) return "";
    return zoom >= HAMLETS_FROM && this.options.hamlets ? "borders,communes,hamlets" : "borders,communes";
  },

  // Ask for all tiles anew: something was counted. The browser's own copies are asked about by their tags.
  renew() {
    this._forget();
    this._failed = false;
    if (this._map) this._repaint();
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
    this._paint(canvas, coords).then(() => done(null, canvas)).catch((error) => done(error, canvas));
    return canvas;
  },

  // What is on a tile stays until what comes after it is here.
  async _paint(canvas, coords) {
    const query = this._query;
    const features = await this._features(coords);
    if (query !== this._query) return;
    const context = canvas.getContext("2d");
    const scale = canvas.width / this.getTileSize().x;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    this._draw(context, features, this.getTileSize().x / 4096, coords.z);
  },

  async _repaint() {
    const shown = Object.values(this._tiles || {}).filter(({ current }) => current);
    const done = await Promise.allSettled(shown.map(({ el, coords }) => this._paint(el, coords)));
    const failed = done.find(({ status }) => status === "rejected");
    if (failed) this.fire("tileerror", { error: failed.reason });
    else if (shown.length) this._settle();
  },

  // Everything that was asked for is drawn, or what there is of it.
  _settle() {
    this._whole = !this._failed && this._round() >= COMMUNES_FROM;
    this._drawLabels();
    this.fire("covers");
  },

  // The bytes of a tile; null where another question is asked meanwhile. While the server works a country's figures out, it
  // is asked again and again how far it is; where it has something newer soon, all are asked for anew a while later.
  async _ask(place, query, layers) {
    for (;;) {
      const reply = await fetch(`${this.options.url}/${place}.mvt?${query}&layers=${layers}`);
      if (reply.status === 202) {
        const { share } = await reply.json();
        this.fire("waits", { share });
        await pause(AGAIN_MS);
        if (query !== this._query || !this._map) return null;
      } else {
        if (!reply.ok) throw Object.assign(new Error(place), { status: reply.status });
        this.fire("waits", { share: null });
        this._renewLater(RENEW_MS[reply.headers.get("Figures")]);
        const content = await reply.arrayBuffer();
        if (query === this._query) this._learn(reply.headers.get("Most"));
        return content;
      }
    }
  },

  // The largest counts of the country: classes of colour that stay the same wherever the map goes.
  _learn(most) {
    if (!most || most === this._most) return;
    this._most = most;
    this._scales = null;
  },

  _renewLater(after) {
    if (!after) return;
    this._later ??= setTimeout(() => {
      this._later = null;
      if (!document.hidden) this.renew();
    }, after);
  },

  async _features({ z, x, y }) {
    const query = this._query;
    const layers = this._layersAt(z);
    const place = `${z}/${x}/${y}`;
    if (!query || !layers) return NOTHING;
    if (!this._held.has(place)) {
      const asked = this._ask(place, query, layers).then((content) => {
        if (!content) return NOTHING;
        const found = new VectorTile(new PbfReader(content)).layers;
        const features = Object.fromEntries(Object.keys(NOTHING).map((name) => [name,
          Array.from({ length: found[name]?.length || 0 }, (_, index) => {
            const feature = found[name].feature(index);
            return { point: feature.type === 1, rings: feature.loadGeometry(), unit: unitOf(feature.properties) };
          })]));
        if (query === this._query) this._ready.set(place, features);
        return features;
      });
      this._held.set(place, asked);
      asked.catch(() => this._held.delete(place));
      if (this._held.size > KEPT) {
        const [oldest] = this._held.keys();
        this._held.delete(oldest);
        this._ready.delete(oldest);
      }
    }
    return this._held.get(place);
  },

  // What the colours of a kind of place say. Of a whole country counts have classes of their own at each kind.
  measure(kind) {
    if (!this._wide || !this._made || !this._most) return this._made;
    this._scales ??= Object.fromEntries(Object.entries(JSON.parse(this._most)).map(([name, most]) => [name,
      measure(this._made.name, this.options.measures, [{ ...most, households_interviewed: 1 }])]));
    return this._scales[kind];
  },

  _colour(unit, made) {
    const value = made ? made.value(unit) : null;
    if (value === null || value === undefined) return null;
    const { classes } = made;
    return (classes.find((each) => value < each.end) || classes.at(-1)).colour;
  },

  _isThin(unit, made) {
    if (this._sampled) return made?.hatches && unit.coverage !== null;
    return made?.hatches && unit.visited !== undefined && unit.visited < this.options.thin;
  },

  // As unit_layer.js: strength says how much of a place was visited.
  _strength(unit, made) {
    if (!made.fades) return 0.92;
    const { thin, full } = this.options;
    if (unit.visited === undefined) return 0.7;
    return 0.5 + 0.42 * Math.min(1, Math.max(0, (unit.visited - thin) / (full - thin)));
  },

  _draw(context, { borders, communes, hamlets }, scale, zoom) {
    const behind = zoom >= HAMLETS_FROM && this.options.hamlets;
    context.lineJoin = "round";
    this._drawCommunes(context, communes, scale, behind, Math.min(1, Math.max(0.2, (zoom - 4) / 6)));
    context.globalAlpha = 1;
    context.strokeStyle = LINE.borders;
    context.lineWidth = 2.2;
    for (const { rings } of borders) {
      trace(context, rings, scale);
      context.stroke();
    }
    this._drawHamlets(context, hamlets, scale);
    for (const { rings, unit } of communes) {
      if (unit.key !== this._selected) continue;
      trace(context, rings, scale);
      for (const [colour, width] of [["#ffffff", 7], ["#111a21", 3.5]]) {
        [context.strokeStyle, context.lineWidth] = [colour, width];
        context.stroke();
      }
    }
  },

  _drawCommunes(context, communes, scale, behind, weight) {
    const made = this.measure("communes");
    const pattern = (name) => context.createPattern(L.patternCanvas.tile(name, 1), "repeat");
    const [dots, hatch] = [pattern("dots"), pattern("hatch")];
    for (const { rings, unit } of communes) {
      const colour = this._colour(unit, made);
      trace(context, rings, scale);
      context.globalAlpha = behind ? FAINT : colour ? this._strength(unit, made) : 0.75;
      context.fillStyle = colour || this.options.noData;
      context.fill("evenodd");
      if (!behind && (!colour || this._isThin(unit, made))) {
        context.globalAlpha = 1;
        context.fillStyle = colour ? hatch : dots;
        context.fill("evenodd");
      }
      context.globalAlpha = 0.85;
      context.strokeStyle = LINE.communes;
      context.lineWidth = 1.4 * weight;
      context.stroke();
    }
  },

  _drawHamlets(context, hamlets, scale) {
    const made = this.measure("hamlets");
    const hatch = context.createPattern(L.patternCanvas.tile("hatch", 1), "repeat");
    context.strokeStyle = LINE.hamlets;
    for (const { point, rings, unit } of hamlets) {
      if (point) {
        const { x, y } = rings[0][0];
        context.beginPath();
        context.arc(x * scale, y * scale, unit.number ? JOINED : DOT, 0, 2 * Math.PI);
        // A light ring, so that a dot is seen on its commune's hatching.
        context.lineWidth = 4;
        context.strokeStyle = "#fff";
        context.stroke();
        context.strokeStyle = LINE.hamlets;
        context.lineWidth = unit.number ? 2 : 1;
      } else {
        trace(context, rings, scale);
        context.lineWidth = 0.9;
      }
      context.fillStyle = this._colour(unit, made) || this.options.noData;
      context.fill("evenodd");
      if (this._isThin(unit, made)) {
        context.fillStyle = hatch;
        context.fill("evenodd");
      }
      context.stroke();
    }
  },

  // Names of the communes drawn, each once, where most of it is.
  _drawLabels() {
    if (!this._map?.unitLabels) return;
    const places = new Map();
    const z = this._tileZoom;
    const size = this.getTileSize().x;
    for (const [place, { communes }] of this.covers() ? this._ready : []) {
      const [zoom, x, y] = place.split("/").map(Number);
      if (zoom !== z) continue;
      const at = (step) => this._map.unproject([(x + step.x / 4096) * size, (y + step.y / 4096) * size], z);
      for (const { rings, unit } of communes) {
        if (!unit.name) continue;
        for (const ring of rings) {
          const centre = middle(ring);
          const found = places.get(unit.key) || { name: shortName(unit.name), area: -1, box: L.latLngBounds([]) };
          const xs = ring.map((step) => step.x), ys = ring.map((step) => step.y);
          found.box.extend(at({ x: Math.min(...xs), y: Math.min(...ys) })).extend(at({ x: Math.max(...xs), y: Math.max(...ys) }));
          if (centre.area > found.area) [found.area, found.at] = [centre.area, at(centre)];
          places.set(unit.key, found);
        }
      }
    }
    this._map.unitLabels.setSource("communes", [...places.values()].map(({ name, at, box }) => ({ name, at: [at.lat, at.lng], box })));
  },

  // The place drawn at a spot, {kind, unit}, or null; features: of the tile there. A finger may miss a dot by some pixels.
  _at(latlng, featuresOf) {
    const z = this._tileZoom;
    if (z === undefined || !this._map?.hasLayer(this)) return null;
    const size = this.getTileSize();
    const spot = this._map.project(latlng, z);
    const coords = { z, x: Math.floor(spot.x / size.x), y: Math.floor(spot.y / size.y) };
    const [x, y] = [(spot.x / size.x - coords.x) * 4096, (spot.y / size.y - coords.y) * 4096];
    const reach = (REACH * 4096) / size.x;
    return featuresOf(coords, ({ communes, hamlets }) => {
      let [best, nearest] = [null, reach];
      for (const hamlet of hamlets) {
        if (hamlet.point) {
          const away = Math.hypot(hamlet.rings[0][0].x - x, hamlet.rings[0][0].y - y);
          if (away < nearest) [best, nearest] = [hamlet, away];
        } else if (inside(x, y, hamlet.rings)) {
          return { kind: "hamlets", unit: hamlet.unit };
        }
      }
      if (best) return { kind: "hamlets", unit: best.unit };
      const commune = communes.find(({ rings }) => inside(x, y, rings));
      return commune ? { kind: "communes", unit: commune.unit } : null;
    });
  },

  at(latlng) {
    return this._at(latlng, (coords, find) => this._features(coords).then(find, () => null));
  },

  // The same of tiles that are there, at once.
  atOnce(latlng) {
    return this._at(latlng, ({ z, x, y }, find) => find(this._ready.get(`${z}/${x}/${y}`) || NOTHING));
  },

  // What a popup says of a hamlet, of several that are too near to be told apart, or of a commune.
  words({ kind, unit }) {
    const show = this._made?.name || "coverage";
    const target = this._target;
    const line = (name) => {
      const [figure, said] = spoken(name, unit, target);
      return make("p", {}, make("b", {}, figure), ` ${said}`);
    };
    const parent = kind === "communes" && unit.parent && this.nameAbove(unit.parent);
    return make("article", { class: "popup" },
      make("header", { class: "popup-head" }, make("h3", {}, unit.number
        ? t("{number} hamlets close together", { number: count(unit.number) }) : unit.name || t("Hamlet")),
      parent && make("p", {}, parent)),
      line("coverage"), ...(show === "coverage" ? [] : [line(show)]),
      unit.visited === undefined ? "" : make("p", {}, t("{share} of the houses visited", { share: percent(unit.visited, 0) })),
      this._sampled && unit.coverage !== null ? make("p", { class: "popup-thin" }, silence("hamlet")) : "",
      unit.number ? make("p", { class: "popup-none" }, t("Zoom in to tell them apart.")) : "");
  },

  // What a pointer resting on a place reads.
  tip({ unit }) {
    const name = unit.number ? t("{number} hamlets close together", { number: count(unit.number) }) : unit.name || t("Hamlet");
    return make("span", {}, make("b", {}, name), make("br"), spoken(this._made?.name || "coverage", unit, this._target).join(" "));
  },

  // Name of the unit above a commune; the page knows it.
  nameAbove: () => "",

  // Whether the page itself tells of a place that was clicked, {kind, unit}.
  taken: () => false,
});

function tips(map, layer) {
  const tip = L.tooltip({ className: "unit-tip", offset: [12, 0] });
  let waiting = null;
  const move = (latlng) => {
    const met = layer.covers() ? layer.atOnce(latlng) : null;
    if (met?.unit.name || met?.unit.number) tip.setLatLng(latlng).setContent(layer.tip(met)).addTo(map);
    else tip.remove();
  };
  map.on("mousemove", ({ latlng, originalEvent }) => {
    if (originalEvent.pointerType === "touch") return;
    if (!waiting) {
      requestAnimationFrame(() => {
        move(waiting);
        waiting = null;
      });
    }
    waiting = latlng;
  });
  map.on("mouseout zoomstart", () => tip.remove());
}

// Put tiles on the map. areas: the layer of units, whose clicks come first; bubble: the page's popup. wait(text): what to
// say while the server is still at work, "" when it is done. hamlets: whether there are so many that they come from tiles.
export function hamletTiles(map, areas, bubble, complain, wait = () => {}, hamlets = true) {
  const { noData, thin, full, measures } = areas.options;
  const layer = new TileLayer({ noData, thin, full, measures, hamlets }).addTo(map);
  layer.on("waits", ({ share }) => wait(share === null ? ""
    : t("Figures are being prepared: {share}", { share: percent(share, 0) })));
  layer.on("tileerror", ({ error }) => complain(error));
  // At a click: whether a place was meant; its popup then is open.
  layer.pick = async (at) => {
    const met = await layer.at(at);
    if (!met || (met.kind === "communes" && !layer.covers())) return false;
    if (layer.taken(met, at)) return true;
    layer.select(met.kind === "communes" ? met.unit.key : null);
    bubble.setLatLng(at).setContent(layer.words(met)).openOn(map);
    return true;
  };
  map.on("click", ({ latlng }) => layer.pick(latlng));
  tips(map, layer);
  return layer;
}
