// The map page: joins controls, map, table and address.

import { addDays, count, day, make, page, percent, shortName, t, weekday } from "./words.js";
import { coverage, forget, isSampled, isThin, visitedShare } from "./figures.js";
import { ledger, nameOf, number, popup, share, silence, targetOf } from "./unit_words.js";
import { summary } from "./summary.js";
import { MapChoice } from "./map_choice.js";
import { keepFresh } from "./map_live.js";
import { measure, scale, spoken } from "./measures.js";
import { PlaceSearch } from "./place_search.js";
import { UnitTable } from "./unit_table.js";
import { ROOT } from "./root.js";

const { areas, hamlets, heat, legend, notes, layers } = L.coverage.parts;
const overlays = ["hot_spots", "epidemic", "tracks", "filter"].map((kind) => L.coverage.parts[kind]).filter(Boolean);
// What may be laid over the areas, by its name in the address.
const laid = new Map([["heat", heat], ...overlays.map((overlay) => [overlay.options.kind, overlay])]);
const map = window.map_coverage;
const byId = (id) => document.getElementById(id);
const controls = byId("controls");
const state = { ...page.state };
// days: the figures of the day that the slider stands on, by key, of the level shown and the one above; else null.
const shown = { answer: null, above: null, places: new Map(), byKey: new Map(), aboveByKey: new Map(), days: null, day: null };
const narrow = window.matchMedia("(max-width: 899px)");
const waits = {};
let asking = null;
let waitingFor = null;

const campaign = () => page.campaigns.find((each) => each.id === state.campaign);
const group = () => campaign()?.groups.find((each) => each.code === state.group);
const boundarySet = () => page.sets.find((each) => each.id === state.set);
// Of very many hamlets the map alone shows each, from tiles; table and search hold the communes.
const levels = () => [...(boundarySet()?.levels || []), ...(page.tiles ? [] : ["hamlet"])];
// Of a whole country the communes too come from tiles, as soon as the map is near enough; no file holds them in detail.
const isWide = () => page.wide.includes(state.set);
const WIDE_MOST = 7;
let tiles = null;
if (page.tiles || page.wide.length) {
  import("./tile_layer.js").then(({ hamletTiles }) => {
    tiles = hamletTiles(map, areas, bubble, complain, (text) => {
      if ((waits.tiles || "") === text) return;
      waits.tiles = text;
      drawNotes();
    }, page.tiles);
    tiles.nameAbove = (code) => (shown.byKey.get(code) || shown.aboveByKey.get(code))?.name;
    // What the table holds too has its whole popup and its row.
    tiles.taken = ({ kind, unit }, at) => {
      const known = kind === "communes" && shown.byKey.has(unit.key);
      if (known) pick(unit.key, { from: "map", at });
      return known;
    };
    tiles.on("covers", faintAreas);
    map.on("overlayadd overlayremove", showTiles);
    showTiles();
  });
}

function showTiles() {
  if (!tiles || !shown.answer) return;
  tiles.show(state, areas.measure, shown.answer, isWide() && map.hasLayer(areas));
  (window.requestIdleCallback || setTimeout)(() => tiles.prepare());
}

const levelAbove = () => levels()[levels().indexOf(state.level) - 1] || null;
const unitLayer = () => (state.level === "hamlet" ? hamlets : areas);

const levelName = (level) => ({
  hamlet: t("Hamlets"), commune: t("Communes"), district: t("Districts"), province: t("Provinces"), region: t("Regions"),
})[level] || level.charAt(0).toUpperCase() + level.slice(1);

// --- controls -----------------------------------------------------------------------------------------

function fill(select, options, value) {
  select.replaceChildren(...options.map(([code, label]) => make("option", { value: code, selected: code === value }, label)));
  select.value = value;
}

function drawControls() {
  fill(controls.campaign, page.campaigns.map((each) => [each.id, each.label]), state.campaign);
  fill(controls.group, (campaign()?.groups || []).map((each) => [each.code, each.label]), state.group);
  fill(controls.dose, (group()?.doses || []).map((each) => [each.code, each.label]), state.dose);
  fill(controls.set, page.sets.map((each) => [each.id, each.name]), state.set);
  fill(controls.level, levels().map((level) => [level, levelName(level)]), state.level);
  controls.date.value = state.date;
  controls.date.min = campaign()?.start || "";
  controls.date.max = campaign()?.until || "";
  for (const button of controls.querySelectorAll("[data-day]")) {
    const day = dayOf(button);
    button.disabled = day !== within(day);
  }
  const written = `${weekday(state.date)} ${day(state.date)}`;
  byId("weekday").textContent = state.date === page.today ? t("today, {day}", { day: written })
    : state.date === page.lastVisits[state.campaign] ? t("last visit, {day}", { day: written }) : written;
  const label = (name) => controls[name].selectedOptions[0]?.textContent || "";
  byId("chosen").textContent = [label("dose"), label("group"), day(state.date)].filter(Boolean).join(" · ");
  choice.show(state.show, (campaign()?.groups || []).filter((each) => each.priority), state.group);
}

// The day, or the nearest one that the campaign has figures for. ISO days compare as text.
function within(day) {
  const { start, until } = campaign() || {};
  if (start && day < start) return start;
  return until && day > until ? until : day;
}

const dayOf = (button) => (button.dataset.day === "today" ? page.today : addDays(state.date, Number(button.dataset.day)));

const inForce = (each) => !each.trial && (each.valid_from || "") <= state.date && state.date <= (each.valid_to || "9999");

// The set that pages about the day open with: the operator's choice, else the one in force then, else the newest.
function usualSet(chosen = true) {
  const there = page.sets.filter(inForce);
  return (chosen && page.sets.find((each) => each.chosen))
    || ["lists", "default"].map((key) => there.find((each) => each[key])).find(Boolean) || there[0] || (chosen ? page.sets[0] : null);
}

// A day on which the set shown was not in force: the choice stays, the page says so, and offers the other.
function drawSetNote() {
  const set = boundarySet();
  const other = !set || inForce(set) ? null : usualSet(false);
  const note = byId("set-note");
  note.hidden = !other;
  note.replaceChildren(...(other ? [
    t("Shown on the boundaries {set}, which were not in force on {day}.", { set: set.name, day: day(state.date) }), " ",
    make("button", { class: "link", type: "button", onclick: () => chooseSet(other.id) },
      t("Show those of that day: {set}", { set: other.name })),
  ] : []));
}

function chooseSet(id) {
  state.set = id;
  state.unit = null;
  makeWhole();
  update();
  showWhole();
}

// Keep a choice where the new surroundings have it, else take the first that has a target.
function makeWhole() {
  const groups = campaign()?.groups || [];
  if (!groups.some((each) => each.code === state.group)) state.group = groups[0]?.code ?? null;
  const doses = group()?.doses || [];
  if (!doses.some((each) => each.code === state.dose)) {
    state.dose = (doses.find((each) => each.target !== null) || doses[0])?.code ?? null;
  }
  if (!levels().includes(state.level)) state.level = levels().at(-1);
  state.date = within(state.date);
}

controls.addEventListener("change", (event) => {
  const { name, value } = event.target;
  if (name === "date" && !value) return;
  if (!(name in state)) return;
  const before = state.set;
  state[name] = value;
  if (name !== "date") makeWhole();
  if (name === "set" || name === "level") state.unit = null;
  update();
  if (state.set !== before) showWhole();
});
byId("controls-open").addEventListener("click", (event) => {
  const open = controls.classList.toggle("is-open");
  event.currentTarget.setAttribute("aria-expanded", open);
});
controls.addEventListener("submit", (event) => event.preventDefault());
for (const button of controls.querySelectorAll("[data-day]")) {
  button.addEventListener("click", () => {
    state.date = dayOf(button);
    update();
  });
}

function showWhole() {
  const bounds = boundarySet()?.bounds;
  if (bounds) L.coverage.fit(map, bounds);
}

// --- address ------------------------------------------------------------------------------------------

function writeAddress() {
  const query = new URLSearchParams();
  for (const name of ["campaign", "set", "level", "group", "dose", "date", "unit"]) {
    if (state[name]) query.set(name, state[name]);
  }
  if (state.show !== "coverage") query.set("show", state.show);
  if (state.layers) query.set("layers", state.layers);
  if (state.filter) query.set("filter", state.filter);
  byId("compare").href = `${ROOT}/map/compare?${query}`;
  byId("wall").href = `${ROOT}/map/print?${query}`;
  // The menu leads on with a set that pages about the day would not open with anyway.
  const usual = usualSet();
  for (const link of document.querySelectorAll("[data-of-sets]")) {
    const address = new URL(link.href);
    if (state.set && usual && state.set !== usual.id) address.searchParams.set("set", state.set);
    else address.searchParams.delete("set");
    link.href = `${address.pathname}${address.search}`;
  }
  // The switch leaves the language out of the address it comes back to: there it would win over the switch.
  for (const link of document.querySelectorAll("[data-language]")) {
    link.href = `${ROOT}/language/${link.dataset.language}?next=${encodeURIComponent(`${ownPath()}?${query}`)}`;
  }
  const language = new URLSearchParams(location.search).get("lang");
  if (language) query.set("lang", language);
  history.replaceState(null, "", `?${query}`);
}

// --- figures ------------------------------------------------------------------------------------------

const table = new UnitTable(byId("units"), (key) => pick(key, { from: "table" }));
table.onFilterCleared = () => { byId("filter").value = ""; };
byId("filter").addEventListener("input", (event) => table.setFilter(event.target.value));
byId("filter").addEventListener("keydown", (event) => {
  if (event.key === "Escape") { event.target.value = ""; table.setFilter(""); }
});

// The page's path as the server knows it: where the product stands below a path, that is not in it.
const ownPath = () => location.pathname.slice(ROOT.length);

function say(text, ...actions) {
  const box = byId("trouble");
  box.replaceChildren(...(text ? [make("p", {}, text), ...actions] : []));
  box.hidden = !text;
}

function complain(error) {
  if (error.status === 401) {
    say(t("Your sign-in has ended. Sign in again, and the page comes back as it is."),
      make("a", { class: "button", href: `${ROOT}/sign-in?next=${encodeURIComponent(ownPath() + location.search)}` }, t("Sign in")));
    return;
  }
  const text = error.message && error.status ? error.message : error.status
    ? t("The server could not answer (code {status}). Try again in a while.", { status: error.status })
    : t("The server does not answer. Check the connection; what is shown may be old.");
  say(text, make("button", { class: "button", type: "button", onclick: () => update() }, t("Try again")));
}

// Until no link or button is held down, five seconds at most: one that is replaced between press and release takes no
// click.
async function released() {
  for (let left = 50; left > 0 && document.querySelector("a:active, button:active"); left -= 1) {
    await new Promise((later) => setTimeout(later, 100));
  }
}

async function update() {
  drawControls();
  drawSetNote();
  writeAddress();
  drawNotes();
  if (!state.campaign || !state.set) {
    say(t("There is nothing to show yet: publish a campaign's forms and import a boundary set first."));
    return;
  }
  asking?.abort();
  asking = new AbortController();
  const mine = asking;
  document.body.setAttribute("aria-busy", "true");
  const above = levelAbove();
  areas.options.most = isWide() ? WIDE_MOST : Infinity;
  areas.setPlace({ set: state.set, level: state.level === "hamlet" ? above || "commune" : state.level });
  hamlets.setPlace(state.level === "hamlet" ? { set: state.set, level: "hamlet", campaign: state.campaign } : null);
  const { campaign: id, set, group: groupCode, dose, date } = state;
  heat.setQuestion({ campaign: id, set, group: groupCode, dose, date });
  for (const overlay of overlays) overlay.setState(state);
  try {
    const [answer, aboveAnswer] = await Promise.all([
      coverage(state, state.level, mine.signal),
      above ? coverage(state, above, mine.signal) : null,
    ]);
    await released();
    if (mine !== asking) return;
    say("");
    showFigures(answer, aboveAnswer);
    openDays();
  } catch (error) {
    if (mine === asking && error.name !== "AbortError") complain(error);
  } finally {
    if (mine === asking) document.body.removeAttribute("aria-busy");
  }
}

const keyed = (answer) => new Map((answer?.units || []).filter((unit) => unit.key).map((unit) => [unit.key, unit]));

function showFigures(answer, above) {
  shown.answer = answer;
  shown.above = above;
  shown.places = new Map((above?.units || []).map((unit) => [unit.code, unit.name]));
  shown.byKey = keyed(answer);
  shown.aboveByKey = keyed(above);
  colour("setFigures");
  faintAreas();
  byId("summary").replaceChildren(...summary(answer, answer.units, (key) => pick(key, { from: "table" })).filter(Boolean));
  byId("everybody").replaceChildren(...[ledger(answer.total)].filter(Boolean));
  table.show(answer, shown.places);
  if (state.unit && shown.byKey.has(state.unit)) {
    const open = map.hasLayer(bubble);
    table.select(state.unit, { scroll: !open && !narrow.matches });
    unitLayer().select(state.unit);
    if (open) bubble.setContent(popupOf(state.unit, shown.byKey, answer));
  } else {
    if (map.hasLayer(bubble)) map.closePopup(bubble);
  }
  goWhereAsked();
}

// --- what the colours show -----------------------------------------------------------------------------

// how: "setFigures" draws all anew, "changeFigures" only what looks different.
function colour(how) {
  const both = [[unitLayer(), shown.byKey, 0]];
  if (state.level === "hamlet") both.push([areas, shown.aboveByKey, 1]);
  for (const [layer, units, place] of both) {
    const asOf = shown.days ? onDay(units, shown.days[place]) : units;
    layer[how](asOf, measure(state.show, layer.options.measures, [...asOf.values()].filter((unit) => unit.code)));
  }
  showTiles();
  drawScale();
}

// The units as they were on the slider's day.
const onDay = (units, figures) => new Map([...units].map(([key, unit]) => {
  const of = figures?.get(key) || { vaccinated: 0, eligible: 0, coverage: null };
  return [key, { ...unit, ranges: undefined, ...of }];
}));

function drawScale() {
  if (tiles?.covers()) {
    const kind = tiles.kind();
    const place = levelName(kind === "hamlets" ? "hamlet" : boundarySet().levels.at(-1)).toLowerCase();
    if (tiles.measure(kind)) legend.setScale(scale(tiles.measure(kind), place, shown.answer?.design === "cluster_survey"));
    return;
  }
  const front = unitLayer() === hamlets && map.hasLayer(hamlets) && hamlets.isVisible() ? hamlets : areas;
  const level = front === unitLayer() ? state.level : levelAbove() || "commune";
  if (front.measure) legend.setScale(scale(front.measure, levelName(level).toLowerCase(), shown.answer?.design === "cluster_survey"));
}

const choice = new MapChoice(layers, {
  choose(name) {
    state.show = name;
    if (name !== "coverage") closeDays();
    drawControls();
    writeAddress();
    colour("setFigures");
    renewPopup();
  },
  first(code) {
    state.group = code;
    makeWhole();
    state.show = "due";
    closeDays();
    update();
  },
  // Of the group's dose that stands nearest to the one shown, in the level with the fewest places.
  async due(code) {
    const doses = campaign().groups.find((each) => each.code === code).doses;
    const dose = (doses.find((each) => each.code === state.dose) || doses.find((each) => each.target !== null) || doses[0]).code;
    const { total } = await coverage({ ...state, group: code, dose }, levels()[0]);
    return total.households_interviewed ? total.due : null;
  },
});

// --- the course over time --------------------------------------------------------------------------------

let slider = null;

byId("days-open").addEventListener("click", async (event) => {
  if (!byId("days").hidden) {
    closeDays();
    return;
  }
  event.currentTarget.setAttribute("aria-expanded", "true");
  byId("days").hidden = false;
  const { DaySlider } = await import("./day_slider.js");
  slider ||= new DaySlider(byId("days"), {
    show(figures, onDayShown) {
      shown.days = figures;
      shown.day = onDayShown;
      if (shown.answer) colour("changeFigures");
    },
    full(whole) {
      state.date = whole;
      closeDays();
      update();
    },
  });
  state.show = "coverage";
  drawControls();
  writeAddress();
  await openDays();
  byId("days").querySelector("input").focus({ preventScroll: true });
});

async function openDays() {
  if (!slider || byId("days").hidden) return;
  try {
    await slider.open(state, [state.level, ...(state.level === "hamlet" && levelAbove() ? [levelAbove()] : [])]);
  } catch (error) {
    closeDays();
    complain(error);
  }
}

function closeDays() {
  byId("days-open").setAttribute("aria-expanded", "false");
  byId("days").hidden = true;
  if (shown.days) slider.close();
}

// With hamlets on the screen their communes step back; alone they are the picture.
function faintAreas() {
  const covered = Boolean(tiles?.covers());
  const behind = (state.level === "hamlet" && map.hasLayer(hamlets) && hamlets.isVisible())
    || (tiles && page.tiles && map.getZoom() >= 11 && (covered || !isWide()));
  areas.setFaint(behind);
  areas.setAway(covered);
  drawScale();
  map.getContainer().classList.toggle("is-hamlets", behind);
}
map.on("zoomend overlayadd overlayremove", faintAreas);
map.on("overlayadd overlayremove", () => {
  legend.showHeat(map.hasLayer(heat));
  state.layers = [...laid].filter(([, layer]) => map.hasLayer(layer)).map(([name]) => name).join(".");
  writeAddress();
});

function drawNotes() {
  const said = [];
  if (boundarySet()?.approximate) said.push(t("Approximate outlines"));
  if (page.sample) said.push(t("Invented sample data"));
  said.push(...Object.values(waits).filter(Boolean));
  notes.setNotes(said);
}

// --- one unit, on the map and in the table --------------------------------------------------------------

const bubble = L.popup({ minWidth: 250, className: "unit-popup" });

let opened = null;

// What the colours say of the unit, first, where it is not its coverage of the day asked for.
function figureShown(unit, units) {
  const figures = shown.days?.[units === shown.byKey ? 0 : 1];
  if (figures) {
    const [, asOf] = [...onDay(new Map([[unit.key, unit]]), figures)][0];
    return make("p", { class: "popup-figure popup-shown" }, make("b", {}, spoken("coverage", asOf)[0]),
      make("span", {}, t("on {day}: {words}", { day: day(shown.day), words: spoken("coverage", asOf)[1] })));
  }
  if (state.show === "coverage") return null;
  const [figure, words] = spoken(state.show, unit, targetOf(unit, shown.answer));
  return make("p", { class: "popup-figure popup-shown" }, make("b", {}, figure), make("span", {}, words));
}

function popupOf(key, units, answer) {
  const unit = units.get(key);
  opened = { key, above: units === shown.aboveByKey };
  const place = units === shown.byKey ? shown.places.get(unit.parent) : null;
  const onlyItsHamlets = units === shown.aboveByKey && state.level === "hamlet" && make("button", {
    class: "link", type: "button", onclick: () => {
      byId("filter").value = unit.name;
      table.setFilter(unit.name);
    } }, t("Only its hamlets in the table"));
  const nowhere = units === shown.byKey && unitLayer().isVisible() && !unitLayer().path(key) && make("p", { class: "popup-none" },
    t("Not on the map: none of its houses has a position that can be used."));
  // On a phone the table lies below the map, and scrolling there unasked would take the popup out of sight.
  const toRow = units === shown.byKey && narrow.matches && make("button", {
    class: "link", type: "button", onclick: () => table.select(key) }, t("Show in the table"));
  const { campaign: id, set, group: groupCode, dose, date } = state;
  const itsPage = unit.code && answer.level !== "hamlet" && make("a", {
    class: "link",
    href: `${ROOT}/unit/${[set, answer.level, unit.code].map(encodeURIComponent).join("/")}?${new URLSearchParams({ campaign: id, group: groupCode, dose, date })}`,
  }, t("About this place"));
  const made = popup(unit, nameOf(unit, answer.level), answer, place, nowhere, onlyItsHamlets, toRow, itsPage);
  const first = figureShown(unit, units);
  if (first) made.querySelector(".popup-head h3").after(first);
  return made;
}

// The open popup's figures anew; it stays where it is.
function renewPopup() {
  if (!opened || !map.hasLayer(bubble)) return;
  const [units, answer] = opened.above ? [shown.aboveByKey, shown.above] : [shown.byKey, shown.answer];
  if (units.has(opened.key)) bubble.setContent(popupOf(opened.key, units, answer));
}

function openPopup(key, units, answer, at) {
  bubble.options.maxWidth = Math.min(330, map.getSize().x - 60);
  // Below the search field and the button of the layers.
  const [side, top] = narrow.matches ? [8, 60] : [60, 56];
  bubble.options.autoPanPaddingTopLeft = [side, top];
  bubble.options.autoPanPaddingBottomRight = [side, 10 + legend.height()];
  bubble.setLatLng(at).setContent(popupOf(key, units, answer)).openOn(map);
}

function pick(key, { from, at = null }) {
  if (!shown.byKey.has(key)) return;
  state.unit = key;
  writeAddress();
  const layer = unitLayer();
  layer.select(key);
  tiles?.select(key);
  table.select(key, { scroll: from === "map" && !narrow.matches });
  if (from === "map") {
    openPopup(key, shown.byKey, shown.answer, at);
    return;
  }
  if (!map.hasLayer(layer)) layer.addTo(map);
  const path = layer.path(key);
  if (path) {
    goTo(key, path);
    return;
  }
  // No outline drawn: zoomed out too far, still on its way, or the hamlet has no placed house at all.
  const parentPath = areas.path(shown.byKey.get(key).parent);
  waitingFor = layer.isVisible() ? null : key;
  if (parentPath) map.fitBounds(parentPath.getBounds(), { ...L.coverage.room(), maxZoom: 13, animate: false });
  if (!waitingFor) openPopup(key, shown.byKey, shown.answer, parentPath ? parentPath.getBounds().getCenter() : map.getCenter());
}

// To the unit that waits, once both its figures and its outline are here, whichever comes last.
function goWhereAsked() {
  const path = waitingFor && shown.byKey.has(waitingFor) && unitLayer().path(waitingFor);
  if (!path) return;
  const key = waitingFor;
  waitingFor = null;
  goTo(key, path);
}

// Zoom to a unit and open its popup once the map stands still; room is kept above it for the popup.
function goTo(key, path, above = false) {
  if (narrow.matches) byId("map-box").scrollIntoView({ block: "start" });
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const room = L.coverage.room(50);
  room.paddingTopLeft[1] = Math.min(400, map.getSize().y - room.paddingBottomRight[1] - 90);
  map.stop();
  map.closePopup();
  const moving = new Promise((stands) => {
    let setOut = false;
    map.once("movestart", () => { setOut = true; });
    map.once("moveend", stands);
    setTimeout(() => { if (!setOut) stands(); }, 600); // where the place is in view already, nothing moves
  });
  map.fitBounds(path.getBounds(), { ...room, maxZoom: 13, animate: !calm });
  const open = () => {
    if (above) openPopup(key, shown.aboveByKey, shown.above, path.getBounds().getCenter());
    else if (state.unit === key) openPopup(key, shown.byKey, shown.answer, path.getBounds().getCenter());
  };
  moving.then(open);
}

hamlets.on("pick", ({ key, at }) => pick(key, { from: "map", at }));
areas.on("pick", async ({ key, at }) => {
  if (await tiles?.pick(at)) return;
  const units = unitLayer() === areas ? shown.byKey : shown.aboveByKey;
  if (!units.has(key)) {
    const { name } = areas.path(key).feature.properties;
    bubble.setLatLng(at).setContent(make("article", { class: "popup" }, make("header", { class: "popup-head" },
      make("h3", {}, name), make("p", { class: "popup-none" }, t("Nobody was asked here yet."))))).openOn(map);
  } else if (unitLayer() === areas) pick(key, { from: "map", at });
  else openPopup(key, shown.aboveByKey, shown.above, at);
});
for (const layer of [areas, hamlets]) {
  layer.describe = ({ key, name }) => {
    const unit = (layer === unitLayer() ? shown.byKey : shown.aboveByKey).get(key);
    const box = make("span", {}, make("b", {}, name));
    if (unit && (shown.days || state.show !== "coverage")) {
      box.append(make("br"), spoken(state.show, layer.figures.get(key) || unit, targetOf(unit, shown.answer)).join(" "));
    } else if (unit) {
      box.append(make("br"), unit.coverage === null ? t("no data")
        : `${share(unit)} (${number(unit, "vaccinated")}/${number(unit, "eligible")})`);
      if (isThin(unit)) {
        box.append(make("br"), isSampled(unit) ? silence(layer === hamlets ? "hamlet" : "")
          : t("only {visited} of houses visited", { visited: percent(visitedShare(unit), 0) }));
      }
    }
    return box;
  };
  layer.nameBy(shortName);
  layer.on("failed", ({ error }) => complain(error));
  layer.on("drawn", () => {
    faintAreas();
    goWhereAsked();
  });
}
heat.on("failed", ({ error }) => complain(error));
const laidFilter = laid.get("filter");
if (laidFilter) {
  laidFilter.options.remove = () => {
    delete state.filter;
    laidFilter.remove();
    layers.removeLayer(laidFilter);
  };
}

// The filter stands above the map, where a phone shows it too.
function tellFilter(line) {
  byId("laid-filter").replaceChildren(...[line].filter(Boolean));
  byId("laid-filter").hidden = !line;
}

for (const overlay of overlays) {
  overlay.on("failed", ({ error }) => complain(error));
  overlay.on("told", ({ text, legend: line }) => {
    waits[overlay.options.kind] = text;
    drawNotes();
    if (overlay === laidFilter) tellFilter(line);
    else legend.showLine(overlay.options.kind, line);
  });
}

// --- a place by its name --------------------------------------------------------------------------------

new PlaceSearch(byId("place-search"), {
  places() {
    const mine = (shown.answer?.units || []).filter((unit) => unit.code).map((unit) => ({
      key: unit.key, name: nameOf(unit, state.level), note: shown.places.get(unit.parent) }));
    const above = (state.level === "hamlet" && shown.above?.units || []).filter((unit) => unit.code).map((unit) => ({
      key: unit.key, name: nameOf(unit, shown.above.level), note: "", above: true }));
    return [...mine, ...above];
  },
  choose({ key, above }) {
    const path = above && areas.path(key);
    if (above && !map.hasLayer(areas)) areas.addTo(map);
    if (path) goTo(key, path, true);
    else if (above) openPopup(key, shown.aboveByKey, shown.above, map.getCenter());
    else pick(key, { from: "table" });
  },
});

// --- figures that are counted while the page is open ------------------------------------------------------

// Only what changed is drawn anew; the view, the popup, the row in hand and the place in the table stay.
async function renew() {
  for (const layer of laid.values()) layer.outdate();
  tiles?.renew();
  if (!shown.answer || asking?.signal.aborted) return;
  forget();
  const asked = JSON.stringify([state.campaign, state.set, state.level, state.group, state.dose, state.date]);
  const above = levelAbove();
  const [answer, aboveAnswer] = await Promise.all([
    coverage(state, state.level), above ? coverage(state, above) : null,
  ]);
  await released();
  if (asked !== JSON.stringify([state.campaign, state.set, state.level, state.group, state.dose, state.date])) return;
  if (JSON.stringify([answer, aboveAnswer]) === JSON.stringify([shown.answer, shown.above])) return;
  shown.answer = answer;
  shown.above = aboveAnswer;
  shown.byKey = keyed(answer);
  shown.aboveByKey = keyed(aboveAnswer);
  colour("changeFigures");
  byId("summary").replaceChildren(...summary(answer, answer.units, (key) => pick(key, { from: "table" })).filter(Boolean));
  byId("everybody").replaceChildren(...[ledger(answer.total)].filter(Boolean));
  const box = byId("units");
  const [row, top] = [document.activeElement?.closest?.("tr.unit")?.dataset.key, box.scrollTop];
  table.show(answer, shown.places);
  box.scrollTop = top;
  if (row) table.rows.get(row)?.querySelector(".row-button").focus({ preventScroll: true });
  renewPopup();
}
keepFresh(byId("live"), renew, () => { for (const layer of laid.values()) layer.freshen(); });

// Leaflet hears the key only while the map has the focus.
document.addEventListener("keydown", (event) => { if (event.key === "Escape") map.closePopup(); });
window.addEventListener("beforeprint", () => table.unfold());
window.addEventListener("online", () => { if (!byId("trouble").hidden) update(); });
document.addEventListener("visibilitychange", () => {
  // A page left open overnight asks anew.
  if (!document.hidden && Date.now() - openedAt > 10 * 60000) {
    openedAt = Date.now();
    forget();
    update();
  }
});
let openedAt = Date.now();

map.setMinZoom(4).setMaxZoom(18);
map.attributionControl.setPrefix("Leaflet");
if (narrow.matches) map.zoomControl.setPosition("bottomright");
else L.control.scale({ imperial: false, position: "topleft" }).addTo(map);
if (state.unit) waitingFor = state.unit;
for (const name of state.layers.split(".")) laid.get(name)?.addTo(map);
update();
document.documentElement.dataset.ready = "true";
