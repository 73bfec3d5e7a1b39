// Names on the map, as many as fit: without a base map they are what tells a reader where a place is.
(function () {
  "use strict";

  const MOST = 70;
  const measuring = document.createElement("canvas").getContext("2d");

  // Centre of gravity of a polygon's largest ring, [lat, lon].
  function centre(geometry) {
    const polygons = geometry.type === "MultiPolygon" ? geometry.coordinates : [geometry.coordinates];
    let best = null;
    let largest = -1;
    for (const [ring] of polygons) {
      let area = 0;
      let x = 0;
      let y = 0;
      const [x0, y0] = ring[0];
      for (let i = 1; i < ring.length; i++) {
        const ax = ring[i - 1][0] - x0, ay = ring[i - 1][1] - y0, bx = ring[i][0] - x0, by = ring[i][1] - y0;
        const cross = ax * by - bx * ay;
        area += cross;
        x += (ax + bx) * cross;
        y += (ay + by) * cross;
      }
      if (Math.abs(area) > largest) {
        largest = Math.abs(area);
        best = area ? [y0 + y / (3 * area), x0 + x / (3 * area)] : [y0, x0];
      }
    }
    return best;
  }

  L.UnitLabels = L.LayerGroup.extend({
    initialize() {
      L.LayerGroup.prototype.initialize.call(this);
      this._sources = new Map();
    },

    onAdd(map) {
      L.LayerGroup.prototype.onAdd.call(this, map);
      map.on("moveend resize", this._place, this);
    },

    // places: [{name, at: [lat, lon], box: LatLngBounds}]; sources are placed in the order of their names.
    setSource(source, places) {
      this._sources.set(source, places);
      this._place();
      return this;
    },

    _place() {
      if (!this._map) return;
      const map = this._map;
      const view = map.getBounds();
      const taken = [];
      this.clearLayers();
      for (const source of [...this._sources.keys()].sort()) {
        const size = source === "areas" ? 12.5 : 11.5;
        measuring.font = `600 ${size}px system-ui, sans-serif`;
        const found = [];
        const degreesNeeded = (14 * 360) / (256 * 2 ** map.getZoom());
        for (const place of this._sources.get(source)) {
          if (place.box.getEast() - place.box.getWest() < degreesNeeded || !view.intersects(place.box)) continue;
          const southWest = map.latLngToContainerPoint(place.box.getSouthWest());
          const northEast = map.latLngToContainerPoint(place.box.getNorthEast());
          const width = measuring.measureText(place.name).width + 6;
          if (northEast.x - southWest.x < width * 0.8 || southWest.y - northEast.y < size * 1.2) continue;
          found.push([northEast.x - southWest.x, width, place]);
        }
        found.sort((a, b) => b[0] - a[0]);
        for (const [, width, place] of found) {
          if (this.getLayers().length >= MOST) return;
          const at = map.latLngToContainerPoint(place.at);
          const box = [at.x - width / 2, at.y - size * 0.7, at.x + width / 2, at.y + size * 0.7];
          if (taken.some((t) => box[0] < t[2] && box[2] > t[0] && box[1] < t[3] && box[3] > t[1])) continue;
          taken.push(box);
          const text = document.createElement("span");
          text.textContent = place.name;
          const icon = L.divIcon({ className: `unit-label unit-label-${source}`, html: text, iconSize: [0, 0] });
          this.addLayer(L.marker(place.at, { icon, interactive: false, keyboard: false }));
        }
      }
    },
  });

  L.unitLabels = () => new L.UnitLabels();
  L.unitLabels.centre = centre;
})();
