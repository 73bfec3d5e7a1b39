// Asking the server as a phone does, and what may come of it.

// The server refused: the key is dead, or what was sent is wrong. Its status is the cause.
export class Refused extends Error {}
// Nothing came back, or the server has a fault or too much to do: later may be better.
export class NoLine extends Error {}

const LATER = [408, 425, 429];
const PATIENCE_MS = 10 * 60_000;

export async function ask(address, options = {}) {
  let answer;
  try {
    answer = await fetch(address, { credentials: "omit", cache: "no-cache", signal: AbortSignal.timeout?.(PATIENCE_MS), ...options });
  } catch {
    throw new NoLine();
  }
  if (answer.status >= 500 || LATER.includes(answer.status)) throw new NoLine();
  if (answer.status >= 400) throw new Refused(message(await answer.text().catch(() => "")), { cause: answer.status });
  return answer;
}

export const keyIsDead = (status) => [401, 403].includes(status);

const NAMED = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

// What the server says in words, as phones show it. The worker has no reader of XML, and needs this one element only.
function message(xml) {
  const found = /<message[^>]*>([^<]*)<\/message>/.exec(xml);
  return (found?.[1] ?? "").trim().replace(/&(?:#x([\da-f]+)|#(\d+)|(\w+));/gi, (whole, hex, number, name) =>
    (name ? NAMED[name] ?? whole : String.fromCodePoint(hex ? parseInt(hex, 16) : Number(number))));
}
