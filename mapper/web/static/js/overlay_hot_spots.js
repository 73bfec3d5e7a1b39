// Clusters of people not vaccinated: a circle each, numbered from the least likely by chance on, with the reason.

import { make, percent, t } from "./words.js";

export const ask = ({ campaign, set, group, dose, date }) => ({ campaign, set, group, dose, date });

// The search is long; until it is done, how far it is.
export function waits({ stage, share }) {
  if (["running", "waiting", "busy"].includes(stage)) {
    return t("Looking for clusters: {share} done", { share: percent(share || 0, 0) });
  }
  return "";
}

export function draw(answer, { options }) {
  const [colour] = options.colours;
  const drawn = L.featureGroup();
  answer.features.forEach(({ geometry, properties }, index) => {
    const [lon, lat] = geometry.coordinates;
    const words = () => make("div", { class: "popup" }, make("p", { class: "popup-sentence" }, properties.sentence),
      properties.unfinished.length > 0 && make("p", {}, t("Houses are still to be asked there: the cluster may turn out smaller.")),
      answer.page && make("a", { href: answer.page }, t("All clusters with their hamlets")));
    const circle = L.circle([lat, lon], { radius: properties.radius_m, color: colour, weight: 3, dashArray: "8 5", fill: false,
      interactive: false });
    const icon = L.divIcon({ className: "spot-badge", html: String(index + 1), iconSize: [26, 26] });
    const badge = L.marker([lat, lon], { icon, keyboard: true, zIndexOffset: 1000, title: t("Cluster {number}", { number: index + 1 }), alt: properties.sentence });
    badge.bindPopup(words, { className: "unit-popup", maxWidth: 290 });
    drawn.addLayer(circle).addLayer(badge);
  });
  return drawn;
}

export function legend({ features, stage }) {
  if (stage === "failed") return make("span", {}, t("The search for clusters failed. Switch the layer off and on again."));
  return make("span", {}, features.length
    ? t("Dashed circles: clusters of people not vaccinated, {number} found", { number: features.length })
    : t("No cluster of people not vaccinated that chance alone would not explain"));
}
