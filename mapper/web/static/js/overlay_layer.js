// Something laid over the areas. Its script, overlay_<kind>.js, and its figures are fetched when it is switched on.
//
// Such a script exports: ask(state) -> {address query} or null where there is nothing to ask for;
// draw(answer, {map, state, options}) -> a Leaflet layer; legend(answer, options) -> an element, or null; and optionally
// waits(answer) -> a sentence while the server is still at work, after which it is asked again.
(function () {
  "use strict";

  const AGAIN_MS = 1500;

  L.OverlayLayer = L.LayerGroup.extend({
    initialize(options) {
      L.LayerGroup.prototype.initialize.call(this, [], options);
      this._state = null;
    },

    onAdd(map) {
      L.LayerGroup.prototype.onAdd.call(this, map);
      this._refresh();
    },

    onRemove(map) {
      clearTimeout(this._later);
      this._shown = this._asking = null;
      this.clearLayers();
      this.fire("told", { text: "", legend: null });
      L.LayerGroup.prototype.onRemove.call(this, map);
    },

    // state: what the page shows.
    setState(state) {
      this._state = state;
      this._refresh();
      return this;
    },

    async _refresh() {
      if (!this._map || !this._state) return;
      const state = { ...this._state };
      let wanted = null;
      try {
        this._script = this._script || (await import(`./overlay_${this.options.kind}.js`));
        const query = this._script.ask(state);
        wanted = query && `${this.options.url}?${new URLSearchParams(query)}`;
        if (!this._map || wanted === this._shown || wanted === this._asking) return;
        this._asking = wanted;
        clearTimeout(this._later);
        if (!wanted) return;
        const reply = await fetch(wanted, { headers: { Accept: "application/json" } });
        if (!reply.ok) throw Object.assign(new Error(wanted), { status: reply.status });
        const answer = await reply.json();
        if (this._asking !== wanted || !this._map) return;
        const waiting = this._script.waits?.(answer);
        if (waiting) {
          this.fire("told", { text: waiting, legend: null });
          this._later = setTimeout(() => this._refresh(), AGAIN_MS);
          return;
        }
        const drawn = await this._script.draw(answer, { map: this._map, state, options: this.options });
        if (this._asking !== wanted || !this._map) return;
        this.clearLayers();
        this.addLayer(drawn);
        this._shown = wanted;
        this.fire("told", { text: "", legend: this._script.legend(answer, this.options) });
      } catch (error) {
        if (this._asking === wanted) {
          this.clearLayers();
          this._shown = null;
          this.fire("told", { text: "", legend: null });
          this.fire("failed", { error });
        }
      } finally {
        if (this._asking === wanted) this._asking = null;
      }
    },
  });

  L.overlayLayer = (options) => new L.OverlayLayer(options);
})();
