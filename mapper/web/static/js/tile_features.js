// What a vector tile's features tell, and how their rings are drawn and met.

import { withMore } from "./figures.js";

// A feature's properties as the figures of a unit, which measures.js reads.
export function unitOf(told) {
  const share = told.visited;
  const { eligible, vaccinated, due } = told;
  const { coverage, ranges } = withMore(vaccinated, eligible, told.more_vaccinated, told.more_eligible);
  if (ranges) {
    ranges.due = [due, due, due + told.more_due];
    if (told.most_needed !== undefined) ranges.needed = [told.least_needed, told.needed, told.most_needed];
  }
  return {
    ...told,
    ranges,
    coverage: ranges ? coverage : told.coverage ?? null,
    needed: told.needed ?? null,
    households_interviewed: told.eligible ? 1 : 0,
    households_expected: share === undefined ? null : 1,
    households_unvisited: share === undefined ? 0 : 1 - share,
  };
}

// Whether a place lies within rings.
export const inside = (x, y, rings) => rings.reduce((found, ring) => {
  for (let at = 0, before = ring.length - 1; at < ring.length; before = at, at += 1) {
    const [a, b] = [ring[at], ring[before]];
    if (a.y > y !== b.y > y && x < ((b.x - a.x) * (y - a.y)) / (b.y - a.y) + a.x) found = !found;
  }
  return found;
}, false);

// A path along rings, for a canvas; scale: from steps of the tile to pixels.
export function trace(context, rings, scale) {
  context.beginPath();
  for (const ring of rings) {
    ring.forEach(({ x, y }, index) => context[index ? "lineTo" : "moveTo"](x * scale, y * scale));
    context.closePath();
  }
}

// Twice the area of a ring and its centre of gravity, in steps of the tile.
export function middle(ring) {
  let [area, x, y] = [0, 0, 0];
  const from = ring[0];
  for (let at = 0; at < ring.length; at += 1) {
    const [a, b] = [ring[at], ring[(at + 1) % ring.length]];
    const cross = (a.x - from.x) * (b.y - from.y) - (b.x - from.x) * (a.y - from.y);
    area += cross;
    x += (a.x + b.x - 2 * from.x) * cross;
    y += (a.y + b.y - 2 * from.y) * cross;
  }
  return { area: Math.abs(area), x: area ? from.x + x / (3 * area) : from.x, y: area ? from.y + y / (3 * area) : from.y };
}
