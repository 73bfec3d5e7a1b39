// Asks the server for figures, and remembers the latest answers so that stepping back a day costs nothing.

import { ROOT } from "./root.js";

const KEPT = 40;
const answers = new Map();

export class NoAnswer extends Error {
  // status: HTTP status, 0 where the server was not reached; message: what the server said, if anything.
  constructor(status, message) {
    super(message || "");
    this.status = status;
  }
}

async function ask(address, signal) {
  let reply;
  try {
    reply = await fetch(address, { headers: { Accept: "application/json" }, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new NoAnswer(0);
  }
  if (reply.redirected || !(reply.headers.get("Content-Type") || "").includes("json")) {
    throw new NoAnswer(reply.redirected ? 401 : reply.status);
  }
  const body = await reply.json();
  if (!reply.ok) throw new NoAnswer(reply.status, body.message || body.error?.message || body.error);
  return body;
}

// state: what the page shows; level: of the units asked for. Answers of today's kind are asked anew each time
// the page opens, and kept while it stays open until `forget`.
export async function coverage(state, level, signal) {
  const { campaign, set, group, dose, date } = state;
  const address = `${ROOT}/api/coverage?${new URLSearchParams({ campaign, set, level, group, dose, date })}`;
  if (!answers.has(address)) {
    const body = await ask(address, signal);
    answers.set(address, body);
    if (answers.size > KEPT) answers.delete(answers.keys().next().value);
  }
  return answers.get(address);
}

// Vaccinated and eligible of every unit of a level on up to 60 days; asked for when somebody wants to see the course.
export function coverageByDay(state, level) {
  const { campaign, set, group, dose, date } = state;
  return ask(`${ROOT}/api/coverage-by-day?${new URLSearchParams({ campaign, set, level, group, dose, date })}`);
}

// A unit's figures where some people may live there or in another part of a unit that was divided: at worst those alone
// come who are not vaccinated, at best the vaccinated alone. more, moreEligible: who may come.
export function withMore(vaccinated, eligible, more = 0, moreEligible = 0) {
  const coverage = eligible ? vaccinated / eligible : null;
  if (!moreEligible) return { vaccinated, eligible, coverage };
  const [worst, best] = [eligible + moreEligible - more, eligible + more];
  const ends = [worst ? vaccinated / worst : 1, best ? (vaccinated + more) / best : 0];
  const middle = coverage ?? (ends[0] + ends[1]) / 2;
  return { vaccinated, eligible, coverage: middle, ranges: {
    coverage: [ends[0], middle, ends[1]],
    vaccinated: [vaccinated, vaccinated, vaccinated + more],
    eligible: [eligible, eligible, eligible + moreEligible],
  } };
}

export const forget = () => answers.clear();

// Share of the listed households that were visited. One hamlet with more houses than its list does not make up for
// another, so what is not visited counts, not what is.
export function visitedShare(unit) {
  if (!unit.households_expected) return null;
  return Math.max(0, 1 - unit.households_unvisited / unit.households_expected);
}

export const THIN = 0.5;

// Whether a share is that of a sample: nobody then knows who is missing, nor who is needed.
export const isSampled = (unit) => unit.coverage !== null && unit.worst === null;

// Whether a figure says too little of its place: hardly visited, or not judged by its sample.
export function isThin(unit) {
  if (isSampled(unit)) return unit.low === null;
  const share = visitedShare(unit);
  return share !== null && share < THIN;
}
