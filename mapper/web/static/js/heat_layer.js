// Heat map of people due and not yet vaccinated; asks for its points only while it is switched on.
(function () {
  "use strict";

  L.DueHeatLayer = L.HeatLayer.extend({
    initialize(options) {
      L.HeatLayer.prototype.initialize.call(this, [], { radius: 26, blur: 20, minOpacity: 0.25, ...options });
      this._query = null;
      this._every = 60000;
    },

    onAdd(map) {
      L.HeatLayer.prototype.onAdd.call(this, map);
      this._refresh();
    },

    // query: {campaign, set, group, dose, date}.
    setQuestion(query) {
      this._query = query;
      this._refresh();
      return this;
    },

    // Something was counted since, as for overlays: see overlay_layer.js.
    outdate() {
      this._old = true;
    },

    freshen() {
      if (this._old && Date.now() - this._askedAt >= this._every) this._refresh();
    },

    async _refresh() {
      if (!this._map || !this._query) return;
      const wanted = `${this.options.url}?${new URLSearchParams(this._query)}`;
      if ((wanted === this._shown && !this._old) || wanted === this._asking) return;
      this._asking = wanted;
      this._askedAt = Date.now();
      this._old = false;
      try {
        const reply = await fetch(wanted, { headers: { Accept: "application/json" } });
        if (!reply.ok) throw Object.assign(new Error(wanted), { status: reply.status });
        const { points } = await reply.json();
        if (this._asking !== wanted) return;
        this._shown = wanted;
        this.setLatLngs(points);
        this.fire("drawn", { people: points.reduce((sum, point) => sum + point[2], 0) });
      } catch (error) {
        if (this._asking === wanted) this.fire("failed", { error });
      } finally {
        if (this._asking === wanted) this._asking = null;
      }
    },

    // The densest spots in view are darkest at every zoom, else a whole district would be one blot.
    _redraw() {
      if (!this._map) return;
      const cell = this.options.radius;
      const view = this._map.getBounds();
      const sums = new Map();
      for (const [lat, lon, weight] of this._latlngs) {
        if (!view.contains([lat, lon])) continue;
        const at = this._map.latLngToContainerPoint([lat, lon]);
        const key = `${Math.floor(at.x / cell)} ${Math.floor(at.y / cell)}`;
        sums.set(key, (sums.get(key) || 0) + weight);
      }
      this.options.max = Math.max(2, 0.6 * Math.max(0, ...sums.values()));
      this._heat.max(this.options.max);
      // Weights count in full at every zoom. Only while drawing: the layer control takes this option for the last zoom
      // at which the layer may be chosen.
      this.options.maxZoom = 0;
      L.HeatLayer.prototype._redraw.call(this);
      delete this.options.maxZoom;
    },
  });

  L.dueHeatLayer = (options) => new L.DueHeatLayer(options);
})();
