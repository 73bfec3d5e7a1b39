// Keeps the map's figures fresh while the census runs: asks now and then whether anything was counted since.

import { make, page, t } from "./words.js";
import { ROOT } from "./root.js";

const clock = new Intl.DateTimeFormat(page.language === "vi" ? "vi-VN" : "en-GB", { hour: "2-digit", minute: "2-digit" });

// box: where it says so. renew(): fetch and show what changed, a promise. freshen(): called each time that was looked after.
// Only while the page is looked at.
export function keepFresh(box, renew, freshen) {
  const note = make("span", {});
  const stop = make("button", { type: "button", class: "link" });
  box.replaceChildren(note, stop);
  let running = true;
  let version = page.version;
  let looking = false;

  const say = (text) => { note.textContent = text; };
  const draw = () => {
    stop.textContent = running ? t("Stop updating") : t("Update by itself again");
  };

  async function look() {
    if (!running || looking || document.hidden) return;
    looking = true;
    try {
      const reply = await fetch(`${ROOT}/api/version`, { headers: { Accept: "application/json" } });
      if (!reply.ok) throw new Error("no version");
      const now = (await reply.json()).version;
      if (now !== version && running) {
        await renew();
        version = now;
      }
      if (running) freshen();
      if (running) say(t("updated at {time}", { time: clock.format(new Date()) }));
    } catch {
      say(t("not up to date: the server does not answer"));
    } finally {
      looking = false;
    }
  }

  stop.addEventListener("click", () => {
    running = !running;
    draw();
    if (running) look();
    else say(t("figures of {time}, not updated", { time: clock.format(new Date()) }));
  });
  document.addEventListener("visibilitychange", look);
  draw();
  say(t("updated at {time}", { time: clock.format(new Date()) }));
  setInterval(look, page.every * 1000);
}
