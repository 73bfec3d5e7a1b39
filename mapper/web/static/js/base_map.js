// A base map of vector tiles, drawn pale so that coverage is read on it: land, water, roads, borders, names.
//
// Files differ in how they call their layers; a layer is known by a word in its name (OpenMapTiles, Protomaps, Shortbread).
(function () {
  "use strict";

  const WATER = "#c6dbe6";
  const RULES = [
    [/label|name|place|poi|mountain_peak/, "names"],
    [/water|ocean|river/, { area: WATER, line: WATER, width: 1.4 }],
    [/building/, { area: "#dcd8cf", from: 14 }],
    [/boundar|admin/, { line: "#9aa3a9", width: 1, dash: [5, 3] }],
    [/road|street|transport|highway/, { line: "#fff", width: 2.2, edge: "#c9c4b8" }],
    [/rail|ferr|aero/, { line: "#c4c4c4", width: 0.9 }],
    [/forest|wood|park|land|natural|cover/, { area: "#e6ebdd" }],
  ];
  const NAMED = ["name:vi", "name", "name:latin", "name_int"];

  const ruleOf = (name) => (RULES.find(([word]) => word.test(name)) || [])[1];

  function path(context, rings, scale, closed) {
    context.beginPath();
    for (const ring of rings) {
      ring.forEach(({ x, y }, index) => context[index ? "lineTo" : "moveTo"](x * scale, y * scale));
      if (closed) context.closePath();
    }
  }

  function drawLayer(context, layer, rule, scale, zoom) {
    if (zoom < (rule.from || 0)) return;
    for (let index = 0; index < layer.length; index += 1) {
      const feature = layer.feature(index);
      if (feature.type === 3 && rule.area) {
        path(context, feature.loadGeometry(), scale, true);
        context.fillStyle = rule.area;
        context.fill("evenodd");
      } else if (feature.type === 2 && rule.line) {
        path(context, feature.loadGeometry(), scale, false);
        context.setLineDash(rule.dash || []);
        if (rule.edge) {
          context.strokeStyle = rule.edge;
          context.lineWidth = rule.width + 1.2;
          context.stroke();
        }
        context.strokeStyle = rule.line;
        context.lineWidth = rule.width;
        context.stroke();
      }
    }
    context.setLineDash([]);
  }

  function drawNames(context, layer, scale) {
    const taken = [];
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "center";
    context.lineWidth = 3;
    for (let index = 0; index < layer.length; index += 1) {
      const feature = layer.feature(index);
      const name = NAMED.map((each) => feature.properties[each]).find(Boolean);
      if (feature.type !== 1 || !name) continue;
      const { x, y } = feature.loadGeometry()[0][0];
      const [at, high, half] = [x * scale, y * scale, context.measureText(name).width / 2];
      // Cut at a tile's edge, a name would be half a name.
      if (at < half || at + half > 4096 * scale || high < 10 || high > 4096 * scale - 4) continue;
      if (taken.some(([other, top, wide]) => Math.abs(at - other) < half + wide && Math.abs(high - top) < 13)) continue;
      taken.push([at, high, half]);
      context.strokeStyle = "rgba(255, 255, 255, 0.85)";
      context.strokeText(name, at, high);
      context.fillStyle = "#56636b";
      context.fillText(name, at, high);
    }
  }

  L.VectorBaseMap = L.GridLayer.extend({
    initialize(url, options) {
      L.setOptions(this, options);
      this._url = url;
    },

    createTile(coords, done) {
      const size = this.getTileSize();
      const sharp = Math.min(2, window.devicePixelRatio || 1);
      const canvas = L.DomUtil.create("canvas", "leaflet-tile");
      [canvas.width, canvas.height] = [size.x * sharp, size.y * sharp];
      this._draw(canvas, coords, size.x, sharp).then(() => done(null, canvas), (error) => done(error, canvas));
      return canvas;
    },

    async _draw(canvas, coords, size, sharp) {
      const reply = await fetch(L.Util.template(this._url, coords));
      if (!reply.ok || reply.status === 204) return;
      const { PbfReader, VectorTile } = await import("../vendor/vector-tile/vector_tile.js");
      const { layers } = new VectorTile(new PbfReader(await reply.arrayBuffer()));
      const context = canvas.getContext("2d");
      context.scale(sharp, sharp);
      const named = Object.values(layers).map((layer) => [layer, ruleOf(layer.name.toLowerCase())]).filter(([, rule]) => rule);
      // Land lies below water, water below roads; names above all.
      const order = [...RULES].reverse().map(([, rule]) => rule);
      named.sort(([, a], [, b]) => order.indexOf(a) - order.indexOf(b));
      for (const [layer, rule] of named) {
        if (rule === "names") drawNames(context, layer, size / layer.extent);
        else drawLayer(context, layer, rule, size / layer.extent, coords.z);
      }
    },
  });

  L.vectorBaseMap = (url, options) => new L.VectorBaseMap(url, options);
})();
