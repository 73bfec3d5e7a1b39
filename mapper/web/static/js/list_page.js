// The page of lists by filter: how many there are as fields change, and an area drawn on the map.

const whole = new Intl.NumberFormat(document.documentElement.lang === "vi" ? "vi-VN" : "en-GB");
const QUIET_MS = 400;
let asking = null;
let soon = 0;

// The fields as an address; empty ones ask nothing, but for the review.
function asked(form) {
  const fields = [...new FormData(form)].filter(([name, value]) => value !== "" || name === "reviews");
  return new URLSearchParams(fields);
}

async function look(form) {
  const output = document.getElementById("count");
  asking?.abort();
  asking = new AbortController();
  try {
    const answer = await fetch(`${form.dataset.count}?${asked(form)}`, { signal: asking.signal, headers: { Accept: "application/json" } });
    const told = await answer.json();
    output.textContent = answer.ok
      ? output.dataset.words.replace("{people}", whole.format(told.people)).replace("{households}", whole.format(told.households))
      : told.error?.message ?? output.dataset.failed;
  } catch (fault) {
    if (fault.name !== "AbortError") output.textContent = output.dataset.failed;
  }
}

// Doses that the chosen group does not have cannot be chosen.
function offer(form) {
  const group = form.elements.group.value;
  for (const option of form.elements.dose.options) {
    const fits = !option.value || !group || option.dataset.groups.split(" ").includes(group);
    option.hidden = option.disabled = !fits;
    if (!fits && option.selected) form.elements.dose.value = "";
  }
}

// A place within one that is chosen already takes its turn: both together would find no fewer.
function narrow(form) {
  const [choice, ...held] = form.querySelectorAll("[name=areas]");
  const wider = (choice.selectedOptions[0]?.dataset.within ?? "").split(" ");
  for (const area of held) area.disabled = wider.includes(area.value);
}

function changed(event) {
  const form = event.target.closest("#list-form");
  if (!form) return;
  if (event.target.name === "group") offer(form);
  if (event.target.name === "areas") narrow(form);
  clearTimeout(soon);
  soon = setTimeout(() => look(form), QUIET_MS);
}

document.addEventListener("input", changed);

const first = document.getElementById("list-form");
if (first) {
  offer(first);
  document.getElementById("count-button").hidden = true;
}

const map = window.map_filter;
const within = document.getElementById("within-form");
map?.on("draw:created", ({ layer }) => {
  const corners = layer.getLatLngs()[0].map((at) => `${at.lat.toFixed(6)} ${at.lng.toFixed(6)}`);
  within.elements.within.value = corners.join(",");
  within.submit();
});
