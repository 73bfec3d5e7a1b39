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
      const { classes, words, noData, gradient } = this.options;
      const swatch = L.patternCanvas.swatch;
      const list = element("ul", "legend-list");
      const scale = element("div", "legend-scale");
      classes.forEach((each, index) => {
        const box = element("span", "legend-box");
        box.style.background = each.colour;
        const edge = element("span", "legend-edge", index ? `${Math.round(each.start * 100)}` : "0");
        scale.append(element("span", "legend-class", box, edge));
      });
      scale.append(element("span", "legend-class legend-end", element("span", "legend-edge", "100 %")));
      list.append(
        row(swatch(classes[1].colour, 0.5, "hatch"), words.thin),
        row(swatch(classes[1].colour, 0.65, null), words.faded),
        row(swatch(noData, 0.75, "dots"), words.no_data),
      );
      const ramp = element("span", "legend-ramp");
      ramp.style.background = `linear-gradient(90deg, ${gradient.join(", ")})`;
      this._heat = element("div", "legend-heat", element("span", "", words.heat),
        element("span", "legend-heat-scale", words.due_few, ramp, words.due_many));
      this._heat.hidden = true;
      this._box = element("details", "map-legend leaflet-control", element("summary", "", words.legend),
        element("div", "legend-body", scale, list, this._heat));
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
