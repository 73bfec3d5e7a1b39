// The page of sites: those of its table on a map. A click on the map, or the dragged pin, fills the form's position;
// nothing is kept before the form is sent.

const map = window.map_sites;
const form = document.getElementById("site-form");
const rows = [...document.querySelectorAll("tr[data-lat]")];
const COLOURS = { fixed: "#0e4a5c", mobile: "#b4540a" };
const DIGITS = 6;

const icon = () => window.L.divIcon({ className: "site-pin", html: "<span></span>", iconSize: [26, 26], iconAnchor: [13, 26] });
const field = (name) => form.elements[name];
let pin = null;

function number(text) {
  const value = Number(text.trim().replace(",", "."));
  return text.trim() && Number.isFinite(value) ? value : null;
}

// What the form tells, as a place on the map; null while it is none.
function typed() {
  const lat = number(field("lat").value), lon = number(field("lon").value);
  return lat !== null && lon !== null && Math.abs(lat) <= 90 && Math.abs(lon) <= 180 ? [lat, lon] : null;
}

function write({ lat, lng }) {
  field("lat").value = lat.toFixed(DIGITS);
  field("lon").value = window.L.Util.wrapNum(lng, [-180, 180], true).toFixed(DIGITS);
}

function show(place) {
  if (!place) {
    pin?.remove();
    pin = null;
    return;
  }
  if (pin) pin.setLatLng(place);
  else {
    pin = window.L.marker(place, { icon: icon(), draggable: true, keyboard: false, zIndexOffset: 1000 }).addTo(map);
    pin.on("drag", () => write(pin.getLatLng()));
    pin.on("dragend", say);
  }
}

// Whose position it is, in words; the button says what sending will do.
function say() {
  const known = rows.find((row) => row.dataset.code && row.dataset.code === field("code").value);
  const hint = document.getElementById("site-hint");
  const place = typed();
  const words = !place ? hint.dataset.empty : known ? hint.dataset.move : hint.dataset.new;
  hint.textContent = words.replace("{name}", known?.dataset.name ?? "")
    .replace("{lat}", field("lat").value).replace("{lon}", field("lon").value);
  const button = form.querySelector("button[type=submit]");
  button.textContent = known ? button.dataset.change : button.dataset.enter;
  document.getElementById("site-clear").hidden = !place && !known;
}

function pick(row) {
  form.closest("details").open = true;
  for (const name of ["code", "name", "kind", "lat", "lon", "capacity", "cold_chain"]) {
    const key = name === "cold_chain" ? "coldChain" : name;
    field(name).value = row.dataset[key];
  }
  show(typed());
  say();
}

function clear() {
  for (const name of ["code", "name", "lat", "lon", "capacity"]) field(name).value = "";
  show(null);
  say();
}

if (map) {
  for (const row of rows) {
    const { lat, lon, kind, name } = row.dataset;
    const dot = window.L.circleMarker([Number(lat), Number(lon)], {
      radius: kind === "fixed" ? 8 : 6, color: "#fff", weight: 1.5, fillColor: COLOURS[kind], fillOpacity: 0.95,
      bubblingMouseEvents: false,
    }).addTo(map);
    dot.bindTooltip(() => {
      const words = document.createElement("span");
      words.textContent = name;
      return words;
    });
    if (form && "own" in row.dataset) dot.on("click", () => pick(row));
  }
}

if (map && form) {
  document.getElementById("site-clear").addEventListener("click", clear);
  for (const name of ["lat", "lon", "code"]) field(name).addEventListener("change", () => { show(typed()); say(); });
  map.on("click", (event) => {
    form.closest("details").open = true;
    write(event.latlng);
    show(typed());
    say();
  });
  map.getContainer().style.cursor = "crosshair";
  show(typed());
  if (pin) map.setView(pin.getLatLng(), Math.max(map.getZoom(), 14));
  say();
}
