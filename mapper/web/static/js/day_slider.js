// The course of coverage on the map: a slider over the campaign's days, that can run by itself.

import { count, day, make, percent, t } from "./words.js";
import { coverageByDay, withMore } from "./figures.js";
import { number, share } from "./unit_words.js";

const STEP_MS = 700;

export class DaySlider {
  // box: to fill. show(figures, day): colour the map, figures being [Map(key -> {vaccinated, eligible, coverage, ranges})] of each
  // level asked for; show(null) ends it. full(day): show that day in full. target: share to reach, or null.
  constructor(box, { show, full }) {
    this.box = box;
    this.show = show;
    this.full = full;
    this.range = make("input", { type: "range", min: 0, step: 1, class: "days-range", "aria-label": t("Day shown on the map") });
    this.play = make("button", { type: "button", class: "button days-play" });
    this.words = make("p", { class: "days-words" });
    const whole = make("button", { type: "button", class: "link" }, t("All figures of this day"));
    this.range.addEventListener("input", () => { this.pause(); this.go(Number(this.range.value)); });
    this.play.addEventListener("click", () => (this.timer ? this.pause() : this.run()));
    whole.addEventListener("click", () => this.full(this.days[this.at]));
    box.replaceChildren(make("div", { class: "days-row" }, this.play, this.range), make("div", { class: "days-row" }, this.words, whole));
    this.pause();
  }

  // state: what the page shows; levels: of the units on the map.
  async open(state, levels) {
    const wanted = JSON.stringify([state.campaign, state.set, state.group, state.dose, state.date, levels]);
    if (wanted === this.opened) return;
    this.opened = wanted;
    this.words.textContent = t("Fetching the days…");
    const answers = await Promise.all(levels.map((level) => coverageByDay(state, level)));
    if (this.opened !== wanted) return;
    const whole = this.days?.[this.at];
    this.answers = answers;
    this.days = answers[0].days;
    this.range.max = this.days.length - 1;
    const same = this.days.indexOf(whole);
    this.go(same < 0 ? this.days.length - 1 : same);
  }

  close() {
    this.pause();
    this.opened = this.days = null;
    this.show(null);
  }

  go(at) {
    this.at = at;
    this.range.value = at;
    const [{ total, target }] = this.answers;
    const figures = this.answers.map((answer) => new Map(answer.keys.map((key, row) => [key, withMore(
      answer.vaccinated[row][at], answer.eligible[row][at], answer.more_vaccinated[row][at], answer.more_eligible[row][at])])));
    const all = withMore(total.vaccinated[at], total.eligible[at], total.more_vaccinated[at], total.more_eligible[at]);
    const units = [...figures[0].values()];
    const reached = (end) => (target === null ? 0
      : units.filter((unit) => unit.coverage !== null && (unit.ranges?.coverage[end] ?? unit.coverage) >= target - 1e-9).length);
    const said = all.coverage !== null ? t("{day}: {share} ({vaccinated} of {eligible} people)", {
      day: day(this.days[at]), share: share(all), vaccinated: number(all, "vaccinated"), eligible: number(all, "eligible") })
      : t("{day}: nobody of this group yet", { day: day(this.days[at]) });
    const places = number({ ranges: { places: [reached(0), null, reached(2)] } }, "places");
    const reaching = target === null || all.coverage === null ? ""
      : ` · ${t("{places} of {all} places at {target} or more", { places, all: count(units.length), target: percent(target, 0) })}`;
    this.words.textContent = said + reaching;
    this.range.setAttribute("aria-valuetext", said);
    this.show(figures, this.days[at]);
  }

  run() {
    if (!this.days) return;
    if (this.at >= this.days.length - 1) this.go(0);
    this.timer = setInterval(() => {
      if (this.at >= this.days.length - 1) this.pause();
      else this.go(this.at + 1);
    }, STEP_MS);
    this._name();
  }

  pause() {
    clearInterval(this.timer);
    this.timer = null;
    this._name();
  }

  _name() {
    this.play.textContent = this.timer ? `❚❚ ${t("Pause")}` : `▶ ${t("Play")}`;
  }
}
