// The whole area in one figure and one sentence that can be understood at the end of a long day.

import { count, day, daysBetween, decimal, make, percent, shortName, span, t } from "./words.js";
import { isSampled, isThin, visitedShare } from "./figures.js";
import { bar, figure, isOpen, number, share, silence, vaccinatedOf, targetOf } from "./unit_words.js";

function judgement(total, target) {
  if (total.coverage === null) return t("Nobody of this group has been asked about yet.");
  if (isSampled(total) && total.low === null) return silence("");
  if (target === null) return t("No target is set for this dose.");
  const aim = percent(target, 0);
  if (total.verdict === "met") return t("The target of {target} is met.", { target: aim });
  if (isSampled(total)) {
    return total.verdict === "undecided"
      ? t("The sample cannot decide whether the target of {target} is met.", { target: aim })
      : t("Below the target of {target}: the whole interval of the sample lies under it.", { target: aim });
  }
  const visited = visitedShare(total);
  if (total.verdict === "undecided") {
    const reach = t("Not to be decided yet: with the houses not asked, the truth lies between {worst} and {best}.", {
      worst: percent(total.worst, 0), best: percent(total.best, 0) });
    return visited === null || visited >= 1 ? reach
      : `${t("Only {visited} of houses are visited.", { visited: percent(visited, 0) })} ${reach}`;
  }
  return total.needed === 1
    ? t("Below the target of {target}: one more person needed.", { target: aim })
    : t("Below the target of {target}: {people} more people needed.", { target: aim, people: number(total, "needed") });
}

// That the figures are a sample's, how many hamlets tell them, and how much their being few costs.
function design(answer) {
  const { sample } = answer;
  if (!sample) return null;
  const { campaign, set, group, dose, date } = answer;
  const drawn = { people: count(sample.people), hamlets: count(sample.clusters) };
  return make("p", { class: "summary-doubt" },
    t("Estimate of a cluster survey, not a census: {people} people asked in {hamlets} hamlets drawn.", drawn),
    sample.deff === null ? "" : ` ${t("Design effect (DEFF) {deff}.", { deff: decimal(sample.deff) })}`, " ",
    make("a", { href: `/surveys?${new URLSearchParams({ campaign, set, group, dose, date })}` }, t("What this means")));
}

function timeLeft(answer) {
  const deadline = answer.total.deadline === undefined ? answer.deadline : answer.total.deadline;
  if (!deadline) return null;
  const days = daysBetween(answer.date, deadline);
  const on = day(deadline);
  if (days < 0) return t("The deadline, {day}, has passed.", { day: on });
  if (days === 0) return t("This is the day of the deadline.");
  if (days === 1) return t("One day to the deadline, {day}.", { day: on });
  return t("{days} days to the deadline, {day}.", { days: count(days), day: on });
}

// units: rows of the level shown. goTo: called with a unit's key.
export function summary(answer, units, goTo) {
  const { total } = answer;
  const sampled = isSampled(total);
  const target = targetOf(total, answer);
  const most = sampled ? [] : units.filter((unit) => unit.code && unit.due > 0 && !isThin(unit)).sort((a, b) => b.due - a.due).slice(0, 3);
  const thin = units.filter((unit) => isThin(unit) && unit.code).length;
  const left = make("div", { class: "summary-figure" },
    make("p", { class: "summary-number" }, share(total)),
    total.coverage !== null && bar(total, target),
    total.coverage !== null && make("p", { class: "summary-of" }, ...vaccinatedOf(answer, total)));
  const sentence = make("p", { class: "summary-sentence" },
    make("strong", { class: total.verdict ? `says-${total.verdict}` : "" }, judgement(total, target)), " ", timeLeft(answer));
  const next = make("p", { class: "summary-next" });
  if (most.length) {
    next.append(t("Most people due:"), " ");
    most.forEach((unit, index) => next.append(index ? ", " : "",
      make("button", { class: "link", type: "button", onclick: () => goTo(unit.key) }, shortName(unit.name)),
      " (", figure(answer, unit, { state: "due" }, number(unit, "due")), ")"));
    next.append(". ");
  }
  if (thin && !sampled) {
    next.append(answer.level === "hamlet"
      ? t("Hamlets hardly visited: {number}.", { number: count(thin) })
      : t("Places hardly visited: {number}.", { number: count(thin) }));
  }
  const visited = sampled ? null : visitedShare(total);
  const told = [];
  if (isOpen(total)) told.push(t("worst to best case {span}", { span: span(total.worst, total.best) }));
  if (visited !== null) told.push(t("houses visited {visited}", { visited: percent(visited, 0) }));
  // A census that is complete is no sample and has no interval; one that is not comes second, with its condition.
  const interval = total.low === null ? null : make("span", { class: sampled ? "" : "second" }, told.length ? " · " : "",
    sampled ? t("95% interval of the cluster survey {span}", { span: span(total.low, total.high) })
      : t("95% interval {span}, only if the houses not asked are like the others", { span: span(total.low, total.high) }));
  const doubts = total.coverage === null ? null : make("p", { class: "summary-doubt" }, told.join(" · "), interval);
  return [left, make("div", { class: "summary-words" }, sentence, next, doubts, design(answer))];
}
