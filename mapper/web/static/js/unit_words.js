// What is said of one unit: its bar, its verdict, its ledger, its popup.

import { count, make, percent, span, t } from "./words.js";
import { isSampled, isThin, visitedShare } from "./figures.js";
import { ROOT } from "./root.js";

export const STATES = () => [
  ["vaccinated", t("vaccinated")],
  ["due", t("due now")],
  ["waiting", t("waiting for interval or earlier dose")],
  ["deferred", t("deferred")],
  ["refused", t("refused")],
  ["contraindicated", t("contraindicated")],
  ["away", t("away or moved")],
  ["unknown", t("not known")],
];

// A unit's name; without a code it stands for households that belong to none.
export function nameOf(unit, level) {
  if (unit.name) return unit.partial ? t("{name} (your area alone)", { name: unit.name }) : unit.name;
  if (unit.code) return unit.code;
  return level === "hamlet" && unit.parent ? t("Hamlet not given") : t("No commune found");
}

export function verdictWord(unit) {
  return {
    met: t("Met"),
    not_met: t("Not met"),
    undecided: t("Undecided"),
  }[unit.verdict] || "–";
}

// A share, or from where to where it may lie where some people may be here or in another unit.
export function share(unit, digits = 1) {
  const [least, , most] = unit.ranges?.coverage || [];
  return least === most ? percent(unit.coverage, digits) : span(least, most);
}

// The same of a number, by its name.
export function number(unit, name) {
  const [least, , most] = unit.ranges?.[name] || [unit[name], null, unit[name]];
  return least === most ? count(least) : `${count(least)}–${count(most)}`;
}

// How many people nobody can tell the unit of, who may be in this one; null where there are none.
function maybeHere(unit) {
  if (!unit.ranges) return null;
  const [least, likely, most] = unit.ranges.people;
  return t("{people} people without a position, of a unit that was divided, may live here or in another part of it; about {likely} do.", {
    people: count(most - least), likely: count(likely - least) });
}

// Whether people who may be missing from it can move the coverage of a unit.
export const isOpen = (unit) => unit.worst !== null && unit.best !== null
  && (unit.worst !== unit.coverage || unit.best !== unit.coverage);

// The target of a unit: its own, where one was set for it or for what lies around it, else the campaign's.
export const targetOf = (unit, answer) => (unit.target === undefined ? answer.target : unit.target);

// That the sample of a cluster survey is silent about a place; its level in the words.
export const silence = (level) => (level === "hamlet" ? t("The sample says nothing about this hamlet by itself.")
  : t("The sample says nothing about this place by itself: too few of its hamlets were drawn."));

// A bar of coverage, its worst and best case, and the target as a tick. The interval of a sample stands for these only
// where no list says how many houses there are; a census that is complete has neither.
export function bar(unit, target) {
  const { coverage } = unit;
  let description = coverage === null ? t("no data") : t("coverage {share}", { share: share(unit) });
  let edges = null;
  if (coverage !== null && isOpen(unit)) {
    edges = [unit.worst, unit.best];
    description = t("coverage {share}, worst to best case {span}", { share: share(unit), span: span(...edges) });
  } else if (coverage !== null && unit.low !== null) {
    edges = [unit.low, unit.high];
    description = t("coverage {share}, 95% interval {span}", { share: share(unit), span: span(...edges) });
  }
  const box = make("span", { class: "bar", role: "img", "aria-label": description });
  if (coverage !== null) {
    box.append(make("span", { class: "bar-fill", style: { width: `${coverage * 100}%` } }));
    if (edges) {
      const [low, high] = edges;
      box.append(make("span", { class: "bar-interval", style: { left: `${low * 100}%`, width: `${(high - low) * 100}%` } }));
    }
  }
  if (target !== null && target !== undefined) {
    box.append(make("span", { class: "bar-target", style: { left: `${target * 100}%` } }));
  }
  return box;
}

// The part of an address that asks what an answer tells, for one of its units; null where no address names the unit.
function question(answer, unit, more) {
  // Without an answer it is the whole area of the page, whose address says the same.
  const { campaign, set, group, dose, date } = answer || Object.fromEntries(new URLSearchParams(location.search));
  const parts = { campaign, set, group, dose, date, ...more };
  if (unit.key !== "total") {
    if (!unit.code) return null;
    parts.area = `${answer.level}:${unit.code}`;
    // A hamlet whose houses stand in two communes has two rows, each with its own people.
    if (answer.level === "hamlet") parts.within = unit.parent || "-";
  }
  return new URLSearchParams(Object.entries(parts).filter(([, value]) => value));
}

// A figure that leads to the people, or the houses, that it counts. asked: {state} or {houses}.
export function figure(answer, unit, asked, text, properties = {}) {
  const query = question(answer, unit, asked);
  return query ? make("a", { class: "figure", href: `${ROOT}/people?${query}`, ...properties }, text) : make("span", {}, text);
}

// A sentence with elements in its {places}.
const fill = (sentence, parts) => sentence.split(/\{(\w+)\}/).map((piece, place) => (place % 2 ? parts[piece] : piece));

export const vaccinatedOf = (answer, unit) => fill(t("{vaccinated} of {eligible} people"), {
  vaccinated: figure(answer, unit, { state: "vaccinated" }, number(unit, "vaccinated")),
  eligible: figure(answer, unit, { state: "eligible" }, number(unit, "eligible")),
});

// "18/41 (44 %)"; where no list says how many houses there are, the visited ones alone.
export function visits(unit) {
  const share = visitedShare(unit);
  if (share === null) return t("{visited} (how many there are is not known)", { visited: number(unit, "households_visited") });
  return `${number(unit, "households_visited")}/${count(unit.households_expected)}`;
}

// Everybody of the group, each in one state, as one strip and a list of numbers. answer: that the unit is of; none for
// the total of the page.
export function ledger(unit, answer = null) {
  const states = STATES().filter(([state]) => unit[state] > 0 || unit.ranges?.[state][2] > 0);
  const all = states.reduce((sum, [state]) => sum + unit[state], 0);
  if (!all) return null;
  const strip = make("span", { class: "ledger-strip", "aria-hidden": "true" },
    ...states.map(([state]) => make("span", { class: `ledger-part state-${state}`, style: { "flex-grow": unit[state] } })));
  const list = make("ul", { class: "ledger-list" },
    ...states.map(([state, name]) => make("li", { class: `state-${state}` },
      make("span", { class: "ledger-key", "aria-hidden": "true" }),
      make("b", {}, figure(answer, unit, { state }, number(unit, state))), ` ${name}`)));
  const why = all > unit.vaccinated && question(answer, unit, {});
  if (why) list.append(make("li", {}, make("a", { href: `/reasons?${why}` }, t("Why not vaccinated"))));
  return make("div", { class: "ledger" }, strip, list);
}

export function needSentence(unit, target) {
  if (target === null || target === undefined || unit.needed === null) return null;
  if (unit.ranges?.needed && unit.ranges.needed[0] !== unit.ranges.needed[2]) {
    return t("{people} more people to vaccinate for {target}.", {
      people: number(unit, "needed"), target: percent(target, 0) });
  }
  if (unit.needed === 0) return t("Enough for {target} among the people known.", { target: percent(target, 0) });
  if (unit.needed === 1) return t("One more person to vaccinate for {target}.", { target: percent(target, 0) });
  return t("{people} more people to vaccinate for {target}.", { people: count(unit.needed), target: percent(target, 0) });
}

// place: name of the unit above, or null. extra: elements put at the end.
export function popup(unit, name, answer, place, ...extra) {
  const target = targetOf(unit, answer);
  const heading = make("header", { class: "popup-head" },
    make("h3", {}, name), place && make("p", {}, place));
  const facts = make("dl", { class: "popup-facts" });
  const fact = (name, ...value) => facts.append(make("dt", {}, name), make("dd", {}, ...value));
  if (unit.coverage === null) {
    heading.append(make("p", { class: "popup-none" },
      unit.households_interviewed ? t("Nobody of this group is known here.")
        : answer.design === "cluster_survey" ? t("Nobody was asked here; the sample says nothing about this place.")
          : t("Nobody was asked here yet.")));
  } else {
    heading.append(
      make("p", { class: "popup-figure" }, make("b", {}, share(unit)),
        make("span", {}, ...vaccinatedOf(answer, unit))),
      bar(unit, target),
    );
  }
  if (isOpen(unit)) fact(t("Worst to best case"), `${span(unit.worst, unit.best)}`);
  if (unit.low !== null) {
    fact(t("95% interval"), span(unit.low, unit.high), " ", make("small", {}, isSampled(unit)
      ? t("of the cluster survey") : t("only if the houses not asked are like the others")));
  }
  fact(t("Houses visited"), make("span", { class: isThin(unit) ? "thin-text" : "" },
    figure(answer, unit, { houses: "expected" }, visits(unit)),
    visitedShare(unit) === null ? "" : ` (${percent(visitedShare(unit), 0)})`), ", ",
    figure(answer, unit, { houses: "interviewed" },
      t("{houses} interviewed", { houses: number(unit, "households_interviewed") })));
  if (unit.verdict) {
    fact(target === null ? t("Verdict") : t("Target {target}", { target: percent(target, 0) }),
      make("span", { class: `verdict verdict-${unit.verdict}` }, verdictWord(unit)));
  }
  const need = needSentence(unit, target);
  const maybe = maybeHere(unit);
  return make("article", { class: "popup" }, heading,
    isThin(unit) && make("p", { class: "popup-thin" },
      isSampled(unit) ? silence(answer.level) : t("Too few houses visited to judge.")),
    facts, ledger(unit, answer), maybe && make("p", { class: "popup-maybe" }, maybe), need && make("p", { class: "popup-need" }, need), ...extra);
}
