// Small things that both pages of the canvasser need.

import { page } from "./words.js";
import { base } from "./fill_forms.js";

const time = new Intl.DateTimeFormat(page.language === "vi" ? "vi-VN" : "en-GB", { dateStyle: "short", timeStyle: "short" });

// A moment as kept -> day and time of day where the reader is.
export const moment = (iso) => time.format(new Date(iso));

// Have the browser keep the pages for the way without a signal; where it cannot, the page says so.
export async function startWorker() {
  if (!navigator.serviceWorker) return;
  await navigator.serviceWorker.register(`${base}/fill-worker.js`, { scope: `${base}/fill` });
}
