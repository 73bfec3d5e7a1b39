// Areas (communes and above) or hamlets: outlines fetched by detail band, coloured by figures set apart.
//
// A new date, group or dose changes colours without asking for outlines again; a new boundary set, level or
// detail band asks for outlines and keeps the old ones on the screen until the new ones are here.
(function () {
  "use strict";

  const LINE = {
    areas: { color: "#33424d", weight: 1.4, thins: true },
    hamlets: { color: "#22303a", weight: 0.9, dots: true, ground: "#fff" },
  };
  const FAINT = 0.22;
  // More outlines than this and the finest details are not asked for: nobody sees them all at once.
  const MANY = 1500;

  // A polygon that is drawn as a dot of this radius, pixels, where it would be too small to see or to hit with a finger.
  const DOT = 6;
  const SMALL = 17;

  L.UnitPath = L.Polygon.extend({
    _updateBounds() {
      L.Polygon.prototype._updateBounds.call(this);
      const size = this._rawPxBounds.getSize();
      this._dot = this.options.dots && Math.max(size.x, size.y) < SMALL ? this._rawPxBounds.getCenter() : null;
      if (this._dot) {
        const reach = L.point(DOT + 2, DOT + 2);
        this._pxBounds = L.bounds(this._dot.subtract(reach), this._dot.add(reach));
      }
    },

    _updatePath() {
      if (this._dot) this._renderer.drawDot(this, this._dot, DOT);
      else L.Polygon.prototype._updatePath.call(this);
    },

    _containsPoint(point, closed) {
      if (this._dot) return point.distanceTo(this._dot) <= DOT + this._clickTolerance();
      return L.Polygon.prototype._containsPoint.call(this, point, closed);
    },
  });

  function pathOf(feature, options) {
    const { type, coordinates } = feature.geometry;
    // The server has simplified for this zoom already, and a canvas clips by itself.
    const lean = { smoothFactor: 0, noClip: true, ...options };
    const path = new L.UnitPath(L.GeoJSON.coordsToLatLngs(coordinates, type === "MultiPolygon" ? 2 : 1), lean);
    path.feature = feature;
    return path;
  }

  // A query as text, the same whatever order it was written in.
  function address(query) {
    return query && new URLSearchParams(Object.entries(query).sort(([a], [b]) => (a < b ? -1 : 1))).toString();
  }

  function drawing(map) {
    if (!map.unitRenderer) {
      // One canvas for both layers: of two stacked canvases only the upper one would ever be clicked.
      map.unitRenderer = L.patternCanvas({ padding: 0.25, tolerance: 4 });
      map.unitLabels = L.unitLabels().addTo(map);
    }
    return map.unitRenderer;
  }

  L.UnitLayer = L.Layer.extend({
    initialize(role, options) {
      L.setOptions(this, options);
      this.role = role;
      this.figures = new Map();
      this._kept = new Map();
      this._query = this.options.place || null;
      this._faint = false;
      this._most = Infinity;
    },

    onAdd(map) {
      drawing(map);
      this._selection = L.layerGroup().addTo(map);
      map.on("zoomend", this._refresh, this);
      // Not at once: while the page starts, the map is only about to be fitted to its place.
      queueMicrotask(() => this._refresh());
    },

    onRemove(map) {
      map.off("zoomend", this._refresh, this);
      this._take();
      this._selection.remove();
    },

    // query: {set, level, campaign?} of the outlines to draw; null draws none.
    setPlace(query) {
      if (address(query) === address(this._query)) return this;
      this._query = query;
      this._most = Infinity;
      this._shown = null;
      this._kept.clear();
      return this._refresh();
    },

    // figures: Map from a unit's key to its row of the coverage answer. measure: what of it the colours say, as
    // measures.js makes it.
    setFigures(figures, measure = this.measure) {
      this.figures = figures;
      this.measure = measure;
      return this._restyle();
    },

    // The same, drawing anew only those units that look different now.
    changeFigures(figures, measure = this.measure) {
      this.figures = figures;
      this.measure = measure;
      let changed = 0;
      for (const [key, path] of this._paths || []) {
        const style = this._style(key);
        if (Object.keys(style).every((name) => style[name] === path.options[name])) continue;
        changed += 1;
        Object.assign(path.options, style);
        path.redraw();
      }
      return changed;
    },

    // faint: drawn as a background, so that what lies on it is read.
    setFaint(faint) {
      if (faint === this._faint) return this;
      this._faint = faint;
      return this._restyle();
    },

    // away: not drawn at all and not to be hit, since something else draws the same ground; outlines stay known.
    setAway(away) {
      if (away === Boolean(this._away)) return this;
      this._away = away;
      this._drawSelection();
      if (this._paths) this._drawLabels();
      return this._restyle();
    },

    // A method and no getter: Leaflet copies what a getter gives when the class is made.
    isVisible() {
      return Boolean(this._map && this._query && this._map.getZoom() >= (this.options.fromZoom || 0));
    },

    // The drawn path of a unit, or undefined where it has no outline.
    path(key) {
      return this._paths ? this._paths.get(key) : undefined;
    },

    select(key) {
      this._selected = key;
      this._drawSelection();
      return this;
    },

    band() {
      const zoom = Math.min(this._map.getZoom(), this._most, this.options.most ?? Infinity);
      return this.options.bands.reduce((best, band) => (band <= zoom ? band : best), this.options.bands[0]);
    },

    async _refresh() {
      if (!this._map) return;
      if (!this.isVisible()) {
        this._take();
        this.fire("drawn");
        return;
      }
      const band = this.band();
      const wanted = address({ ...this._query, zoom: band });
      if (this._shown === wanted && this._areas) return;
      if (this._asking === wanted) return;
      this._asking = wanted;
      try {
        const collection = this._kept.get(band) || (await this._fetch(band));
        if (this._asking !== wanted || !this._map) return;
        this._kept.set(band, collection);
        if (collection.features.length > MANY) this._most = Math.min(this._most, 11);
        this._draw(collection);
        this._shown = wanted;
        this.fire("drawn");
      } catch (error) {
        if (this._asking === wanted) this.fire("failed", { error });
      } finally {
        if (this._asking === wanted) this._asking = null;
      }
    },

    async _fetch(band) {
      const asked = `${this.options.shapesUrl}?${address({ ...this._query, zoom: band })}`;
      const reply = await fetch(asked, { headers: { Accept: "application/json" } });
      if (!reply.ok) throw Object.assign(new Error(asked), { status: reply.status });
      return reply.json();
    },

    _draw(collection) {
      const map = this._map;
      const before = this._areas;
      this._paths = new Map();
      this._areas = L.featureGroup();
      for (const feature of collection.features) {
        if (!feature.geometry) continue;
        const { key } = feature.properties;
        const path = pathOf(feature, { renderer: drawing(map), ...this._style(key) });
        this._paths.set(key, path);
        path.on("click", (event) => {
          L.DomEvent.stop(event);
          this.fire("pick", { key, at: event.latlng });
        });
        this._areas.addLayer(path);
      }
      this._areas.bindTooltip((path) => this.describe(path.feature.properties), { sticky: true, className: "unit-tip" });
      this._areas.addTo(map);
      if (before) before.remove();
      if (this.role === "areas") this._areas.bringToBack();
      this._drawSelection();
      this._drawLabels();
    },

    _drawLabels() {
      this._map.unitLabels.setSource(this.role, this._away ? [] : [...this._paths.values()].map((path) => ({
        name: this.shortName(path.feature.properties.name),
        at: L.unitLabels.centre(path.feature.geometry),
        box: path.getBounds(),
      })));
    },

    // shorten: from a unit's name to the one written on the map. Outlines may be here before the page's script is.
    nameBy(shorten) {
      this.shortName = shorten;
      if (this._paths) this._drawLabels();
    },

    // What a pointer resting on a unit reads, and the name written on the map; the page replaces both.
    describe: (properties) => properties.name,
    shortName: (name) => name,

    _take() {
      if (this._areas) this._areas.remove();
      this._areas = this._paths = this._shown = null;
      if (this._selection) this._selection.clearLayers();
      if (this._map) this._map.unitLabels.setSource(this.role, []);
    },

    _restyle() {
      if (this._paths) {
        for (const [key, path] of this._paths) Object.assign(path.options, this._style(key));
        this._map.unitRenderer.redrawAll();
      }
      return this;
    },

    _drawSelection() {
      if (!this._selection) return;
      this._selection.clearLayers();
      const path = this._selected && this.path(this._selected);
      if (!path || this._away) return;
      const outline = { renderer: drawing(this._map), fill: false, interactive: false, opacity: 1 };
      for (const [color, weight] of [["#ffffff", 7], ["#111a21", 3.5]]) {
        this._selection.addLayer(pathOf(path.feature, { ...outline, color, weight }));
      }
    },

    // How a unit is drawn. Colour says the figure; strength and hatching say how much of it was visited.
    _style(key) {
      const unit = this.figures.get(key);
      const value = unit && this.measure ? this.measure.value(unit) : null;
      const line = { ...LINE[this.role], opacity: 0.85, fill: true, pattern: null, stroke: true, interactive: true };
      if (this._away) return { ...line, fill: false, stroke: false, interactive: false };
      if (this._faint) line.patternOpacity = 0;
      if (value === null || value === undefined) {
        return {
          ...line,
          fillColor: this.options.noData,
          fillOpacity: this._faint ? FAINT : 0.75,
          pattern: this._faint ? null : "dots",
        };
      }
      const { classes, fades, hatches } = this.measure;
      const fillColor = (classes.find((each) => value < each.end) || classes.at(-1)).colour;
      if (this._faint) return { ...line, fillColor, fillOpacity: FAINT };
      // Of a sample it is not the houses visited that make a figure sure, but its interval.
      const visited = isSampled(unit) ? Number(unit.low !== null) : visitedShare(unit);
      const thin = visited !== null && visited < this.options.thin;
      return { ...line, fillColor, fillOpacity: fades ? this._strength(visited) : 0.92, pattern: thin && hatches ? "hatch" : null };
    },

    _strength(visited) {
      const { thin, full } = this.options;
      if (visited === null) return 0.7;
      if (visited >= full) return 0.92;
      if (visited < thin) return 0.5;
      return 0.5 + (0.42 * (visited - thin)) / (full - thin);
    },
  });

  // As in figures.js.
  const isSampled = (unit) => unit.coverage !== null && unit.worst === null;

  // As in figures.js: share of the listed households that were visited, null where nobody knows how many there are.
  function visitedShare(unit) {
    if (!unit.households_expected) return null;
    return Math.max(0, 1 - unit.households_unvisited / unit.households_expected);
  }

  L.unitLayer = (role, options) => new L.UnitLayer(role, options);
})();
