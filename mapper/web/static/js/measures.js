// The figures that units can be coloured by: what each is called, its value, its classes of colour.

import { count, percent, t } from "./words.js";
import { visitedShare } from "./figures.js";
import { number, share } from "./unit_words.js";

export const MEASURES = () => [
  ["coverage", t("Share vaccinated")],
  ["needed", t("People still needed")],
  ["due", t("People due now")],
  ["visited", t("Share of houses visited")],
];

export const COUNTS = new Set(["needed", "due"]);

export const measureName = (name) => MEASURES().find(([each]) => each === name)[1];

// Value of a unit, null where there is none: where nobody was asked, nobody knows how many are due.
export function valueOf(name, unit) {
  if (name === "visited") return visitedShare(unit);
  if (name === "due") return unit.households_interviewed ? unit.due : null;
  return unit[name];
}

// Where a class of a count may begin. The first is 1: that nobody is left is a class of its own.
const BEGINNINGS = [1, 2, 5].flatMap((digit) => Array.from({ length: 7 }, (_, power) => digit * 10 ** power))
  .sort((a, b) => a - b);

// colours: for nobody first. most: the largest count there is. Ends are exclusive.
export function countClasses(colours, most) {
  const within = BEGINNINGS.filter((each) => each <= most);
  const room = colours.length - 1;
  const starts = within.length > room ? [1, ...within.slice(1 - room)] : within;
  const shade = (index) => colours[index && Math.round((index * room) / starts.length)];
  return [0, ...starts].map((start, index) => ({ start, end: starts[index] ?? Infinity, colour: shade(index) }));
}

// What a layer needs to colour its units. options: colours by measure, as Folium hands them over; units: all to show.
export function measure(name, options, units) {
  const { classes, colours } = options[name];
  const most = units.reduce((top, unit) => Math.max(top, valueOf(name, unit) ?? 0), 0);
  return {
    name,
    most,
    classes: colours ? countClasses(colours, most) : classes,
    value: (unit) => valueOf(name, unit),
    // A paler colour would be read as a smaller count; and of what was visited, hatching would say nothing new.
    fades: name === "coverage",
    hatches: name !== "visited",
  };
}

// The legend of a measure. place: what the units are called. sampled: whether the figures are of a cluster survey.
export function scale(made, place, sampled = false) {
  const people = COUNTS.has(made.name);
  const mark = (value) => (people ? count(value) : String(Math.round(value * 100)));
  return {
    title: people ? t("{figure}, by place ({places})", { figure: measureName(made.name), places: place })
      : t("{figure}, %", { figure: measureName(made.name) }),
    classes: made.classes.map(({ start, colour }) => ({ colour, edge: mark(start) })),
    end: people ? (made.most > made.classes.at(-1).start ? count(made.most) : "") : "100 %",
    fades: made.fades && !sampled,
    hatches: made.hatches,
    hatched: sampled ? t("Hatched: the sample says nothing about this place by itself") : null,
  };
}

// A unit's figure and the words that belong to it.
export function spoken(name, unit, target) {
  const value = valueOf(name, unit);
  const missing = value === null || value === undefined;
  if (name === "coverage") {
    return missing ? ["–", t("no data")]
      : [share(unit), t("{vaccinated} of {eligible} people", {
        vaccinated: number(unit, "vaccinated"), eligible: number(unit, "eligible") })];
  }
  if (name === "visited") {
    return missing ? ["–", t("how many houses there are is not known")]
      : [percent(value, 0), t("of the houses visited")];
  }
  if (missing) return ["–", t("no data")];
  if (name === "due") return [number(unit, "due"), t("people due now")];
  return [number(unit, "needed"), t("people still needed for {target}", { target: percent(target, 0) })];
}

