// The page of a plan: its map shows the day, the team and the parts that are chosen.

const form = document.getElementById("plan-show");
if (form && window.plan_layer) {
  const layer = window.plan_layer;
  const told = document.getElementById("plan-shown");
  layer.on("shown", ({ sites, people }) => {
    const count = new Intl.NumberFormat(document.documentElement.lang);
    told.textContent = told.dataset.words.replace("{sites}", count.format(sites)).replace("{people}", count.format(people));
  });
  const show = () => layer.show({
    day: form.day.value,
    team: form.team.value,
    reaches: form.reaches.checked,
    ways: form.ways.checked,
    without: form.without.checked,
  });
  form.addEventListener("change", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  // A browser that comes back to the page keeps what was chosen.
  show();
}
