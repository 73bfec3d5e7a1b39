// Something laid over the areas. Its script, overlay_<kind>.js, and its figures are fetched when it is switched on.
//
// Such a script exports: ask(state) -> {address query} or null where there is nothing to ask for;
// draw(answer, {map, state, options}) -> a Leaflet layer; legend(answer, options) -> an element, or null; and optionally
// waits(answer) -> a sentence while the server is still at work, after which it is asked again. An answer that says it is
// not `current` is of older figures, and is asked for again as if something were counted meanwhile.
(function () {
  "use strict";

  const AGAIN_MS = 1500;

  L.OverlayLayer = L.LayerGroup.extend({
    options: { every: 60000 },

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
      this._shown = this._asking = this._drawn = null;
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

    // Something was counted since: what is drawn may be old.
    outdate() {
      this._old = true;
    },

    // Ask again if it may be old, though never sooner than `every` ms after the last time; what is drawn stays meanwhile.
    freshen() {
      if (this._old && this._shown && Date.now() - this._askedAt >= this.options.every) this._refresh(true);
    },

    async _refresh(again = false) {
      if (!this._map || !this._state) return;
      const state = { ...this._state };
      let wanted = null;
      try {
        this._script = this._script || (await import(`./overlay_${this.options.kind}.js`));
        const query = this._script.ask(state);
        wanted = query && `${this.options.url}?${new URLSearchParams(query)}`;
        if (!this._map || (wanted === this._shown && !again) || wanted === this._asking) return;
        this._asking = wanted;
        this._askedAt = Date.now();
        clearTimeout(this._later);
        if (!wanted) return;
        const reply = await fetch(wanted, { headers: { Accept: "application/json" } });
        if (!reply.ok) throw Object.assign(new Error(wanted), { status: reply.status });
        const answer = await reply.json();
        if (this._asking !== wanted || !this._map) return;
        const waiting = this._script.waits?.(answer);
        if (waiting) {
          this.fire("told", { text: waiting, legend: null });
          this._later = setTimeout(() => this._refresh(again), AGAIN_MS);
          return;
        }
        this._old = answer.current === false;
        const figures = wanted + JSON.stringify(answer.features || answer);
        if (again && figures === this._drawn) {
          this.fire("told", { text: "", legend: this._script.legend(answer, this.options) });
          return;
        }
        const drawn = await this._script.draw(answer, { map: this._map, state, options: this.options });
        if (this._asking !== wanted || !this._map) return;
        this.clearLayers();
        this.addLayer(drawn);
        this._shown = wanted;
        this._drawn = figures;
        this.fire("told", { text: "", legend: this._script.legend(answer, this.options) });
      } catch (error) {
        if (this._asking === wanted) {
          if (!again) {
            this.clearLayers();
            this._shown = this._drawn = null;
            this.fire("told", { text: "", legend: null });
          }
          this.fire("failed", { error });
        }
      } finally {
        if (this._asking === wanted) this._asking = null;
      }
    },
  });

  L.overlayLayer = (options) => new L.OverlayLayer(options);
})();
