// Where the product stands on its host: "" for the whole of it, or the path that a proxy gives it. This file lies at
// PATH/assets/VERSION/js/root.js.

export const ROOT = new URL("../../..", import.meta.url).pathname.replace(/\/$/, "");
