// Legend and notes on the map.
(function () {
  "use strict";

  function element(tag, className, ...children) {
    const made = document.createElement(tag);
    made.className = className;
    made.append(...children);
    return made;
  }

  function row(picture, text) {
    return element("li", "legend-row", picture, element("span", "", text));
  }

  L.Control.CoverageLegend = L.Control.extend({
    onAdd(map) {
      const { classes, words, gradient } = this.options;
      this._scale = element("div", "legend-scale");
      this._list = element("ul", "legend-list");
      this._title = element("summary", "");
      this.setScale({
        title: words.legend,
        classes: classes.map(({ colour, start }, index) => ({ colour, edge: index ? `${Math.round(start * 100)}` : "0" })),
        end: "100 %",
        fades: true,
        hatches: true,
      });
      const ramp = element("span", "legend-ramp");
      ramp.style.background = `linear-gradient(90deg, ${gradient.join(", ")})`;
      this._heat = element("div", "legend-heat", element("span", "", words.heat),
        element("span", "legend-heat-scale", words.due_few, ramp, words.due_many));
      this._heat.hidden = true;
      this._box = element("details", "map-legend leaflet-control", this._title,
        element("div", "legend-body", this._scale, this._list, this._heat));
      this._box.open = window.matchMedia("(min-width: 700px)").matches;
      L.DomEvent.disableClickPropagation(this._box);
      // The credit line stays in its corner beside the legend, or stands on it where there is no room beside.
      const lift = () => {
        const beside = map.getSize().x - this._box.offsetWidth > 100;
        map.getContainer().style.setProperty("--foot", `${beside ? 0 : this.height() + 10}px`);
      };
      new ResizeObserver(lift).observe(this._box);
      return this._box;
    },

    // Height that the legend takes at the foot of the map, pixels; a small closed one is in nobody's way.
    height() {
      return this._box.open ? this._box.offsetHeight : 0;
    },

    // What the colours say: {title, classes: [{colour, edge}], end, fades, hatches, hatched: what that means, if another}.
    setScale({ title, classes, end, fades, hatches, hatched }) {
      const { words, noData } = this.options;
      const { swatch } = L.patternCanvas;
      const pale = classes[Math.min(1, classes.length - 1)].colour;
      this._title.textContent = title;
      this._scale.replaceChildren(...classes.map(({ colour, edge }) => {
        const box = element("span", "legend-box");
        box.style.background = colour;
        return element("span", "legend-class", box, element("span", "legend-edge", edge));
      }), element("span", "legend-class legend-end", element("span", "legend-edge", end)));
      this._list.replaceChildren(...[
        hatches && row(swatch(pale, 0.5, "hatch"), hatched || words.thin),
        fades && row(swatch(pale, 0.65, null), words.faded),
        row(swatch(noData, 0.75, "dots"), words.no_data),
      ].filter(Boolean));
    },

    // A line below for something laid over the areas; null takes it away.
    showLine(name, content) {
      this._box.querySelector(`[data-line="${name}"]`)?.remove();
      if (!content) return;
      const line = element("div", "legend-heat", content);
      line.dataset.line = name;
      this._box.querySelector(".legend-body").append(line);
    },

    showHeat(shown) {
      this._heat.hidden = !shown;
    },
  });

  L.Control.MapNotes = L.Control.extend({
    onAdd() {
      this._box = element("div", "map-notes leaflet-control");
      this._box.hidden = true;
      return this._box;
    },

    setNotes(notes) {
      this._box.replaceChildren(...notes.map((note) => element("p", "", note)));
      this._box.hidden = !notes.length;
    },
  });

  // Fit the map to its place, in the room that the legend leaves: no place is hidden behind it.
  L.coverage.room = function (margin = 8) {
    return { paddingTopLeft: [margin, margin], paddingBottomRight: [margin, margin + L.coverage.parts.legend.height()] };
  };

  L.coverage.fit = function (map, [west, south, east, north]) {
    map.fitBounds([[south, west], [north, east]], { ...L.coverage.room(), animate: false });
  };

  L.control.coverageLegend = (options) => new L.Control.CoverageLegend(options);
  L.control.mapNotes = (options) => new L.Control.MapNotes(options);
})();
