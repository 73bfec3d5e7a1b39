// A Leaflet canvas renderer that can lay a pattern over a colour.
//
// A path's option `pattern` is "hatch" (too little visited to judge) or "dots" (no data). Patterns keep their
// size on the screen at every zoom, so that hatching means the same everywhere.
(function () {
  "use strict";

  const SIZE = 8;

  const DRAWINGS = {
    hatch(context) {
      context.strokeStyle = "rgba(22, 32, 40, 0.62)";
      context.lineWidth = 1.3;
      context.beginPath();
      for (const shift of [-SIZE, 0, SIZE]) {
        context.moveTo(shift, SIZE);
        context.lineTo(shift + SIZE, 0);
      }
      context.stroke();
    },
    dots(context) {
      context.fillStyle = "rgba(40, 50, 58, 0.5)";
      for (const [x, y] of [[2, 2], [6, 6]]) {
        context.beginPath();
        context.arc(x, y, 0.9, 0, 2 * Math.PI);
        context.fill();
      }
    },
  };

  function drawTile(name, scale) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = SIZE * scale;
    const context = tile.getContext("2d");
    context.scale(scale, scale);
    DRAWINGS[name](context);
    return tile;
  }

  L.PatternCanvas = L.Canvas.extend({
    _fillStroke(context, layer) {
      const options = layer.options;
      if (options.thins) {
        // From far away, outlines as strong as from near would be all there is to see.
        const { weight } = options;
        options.weight = weight * Math.min(1, Math.max(0.2, (this._map.getZoom() - 4) / 6));
        this._fillPattern(context, layer);
        options.weight = weight;
      } else {
        this._fillPattern(context, layer);
      }
    },

    _fillPattern(context, layer) {
      const options = layer.options;
      if (options.ground) {
        // What is pale must not take on the colour of what it lies on.
        context.globalAlpha = 1;
        context.fillStyle = options.ground;
        context.fill(options.fillRule || "evenodd");
      }
      if (options.fill && options.pattern) {
        context.globalAlpha = options.fillOpacity;
        context.fillStyle = options.fillColor;
        context.fill(options.fillRule || "evenodd");
        context.globalAlpha = options.patternOpacity ?? 1;
        context.fillStyle = this._pattern(context, options.pattern);
        context.fill(options.fillRule || "evenodd");
        options.fill = false;
        L.Canvas.prototype._fillStroke.call(this, context, layer);
        options.fill = true;
        return;
      }
      L.Canvas.prototype._fillStroke.call(this, context, layer);
    },

    // One redraw for any number of changed paths; asking path by path costs more than the drawing.
    redrawAll() {
      if (!this._map) return;
      this._redrawBounds = null;
      this._redrawRequest = this._redrawRequest || L.Util.requestAnimFrame(this._redraw, this);
    },

    drawDot(layer, at, radius) {
      if (!this._drawing) return;
      this._ctx.beginPath();
      this._ctx.arc(at.x, at.y, radius, 0, 2 * Math.PI);
      this._fillStroke(this._ctx, layer);
    },

    _pattern(context, name) {
      const scale = L.Browser.retina ? 2 : 1;
      this._patterns = this._patterns || {};
      if (!this._patterns[name]) {
        const pattern = context.createPattern(drawTile(name, scale), "repeat");
        pattern.setTransform(new DOMMatrix().scale(1 / scale));
        this._patterns[name] = pattern;
      }
      return this._patterns[name];
    },
  });

  L.patternCanvas = (options) => new L.PatternCanvas(options);

  // A pattern as a small canvas, for other canvases. name: "hatch" or "dots".
  L.patternCanvas.tile = drawTile;

  // A small picture of a fill, for the legend.
  L.patternCanvas.swatch = function (colour, opacity, pattern) {
    const scale = 2;
    const swatch = document.createElement("canvas");
    swatch.width = 28 * scale;
    swatch.height = 16 * scale;
    const context = swatch.getContext("2d");
    context.fillStyle = "#fff";
    context.fillRect(0, 0, swatch.width, swatch.height);
    context.globalAlpha = opacity;
    context.fillStyle = colour;
    context.fillRect(0, 0, swatch.width, swatch.height);
    if (pattern) {
      context.globalAlpha = 1;
      context.fillStyle = context.createPattern(drawTile(pattern, scale), "repeat");
      context.fillRect(0, 0, swatch.width, swatch.height);
    }
    return swatch;
  };

  // Where Folium's script leaves the layers and controls that the page's own script works with.
  L.coverage = {
    parts: {},
    keep(name, part) {
      L.coverage.parts[name] = part;
    },
  };
})();
