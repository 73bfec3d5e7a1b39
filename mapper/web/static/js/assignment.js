// The page of who walks where: what is drawn on the map goes into the form beside it.

const map = window.map_assignment;
const drawn = window.drawnItems_draw_control_areas;
const form = document.getElementById("draw-form");
const outline = document.getElementById("outline");
const hint = document.getElementById("draw-hint");

// All areas on the map as one MultiPolygon; empty text while there is none.
function write() {
  const parts = drawn.toGeoJSON().features.map((feature) => feature.geometry.coordinates);
  outline.value = parts.length ? JSON.stringify({ type: "MultiPolygon", coordinates: parts }) : "";
  form.querySelector("button[type=submit]").disabled = !parts.length;
  hint.hidden = parts.length > 0;
}

if (map && form) {
  for (const event of ["draw:created", "draw:edited", "draw:deleted"]) map.on(event, () => setTimeout(write));
  write();
}
