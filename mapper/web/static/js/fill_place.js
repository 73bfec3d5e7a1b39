// Whose work this is and where its server is. What speaks with the server and the database runs in the pages and in the
// service worker alike: a page is told by the server in its data, the worker by the line that the server writes into it.

const written = globalThis.document?.getElementById("page-data");
const told = written ? JSON.parse(written.textContent) : null;

// { store: name of the database, chunkBytes, language where this is a page, ... }
export const place = () => told ?? globalThis.KEPT;

// Address of the canvasser's server, without a slash at the end: what stands before /fill.
export const base = new URL(globalThis.registration?.scope ?? location.href).pathname.replace(/\/fill(\/.*)?$/, "");

// Do something while nobody else does, in no other page and not in the worker either. Browsers give locks to secure
// addresses only; on others there is no worker, and two pages at once are no harm: the server keeps each form once.
export const alone = (name, work) =>
  (globalThis.navigator.locks ? navigator.locks.request(`${place().store} ${name}`, work) : work());
