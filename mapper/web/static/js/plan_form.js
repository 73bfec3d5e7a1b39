// The form for a plan: rows of teams that hold nothing yet are put away, and one is fetched back at a time.

const add = document.getElementById("team-add");
const rows = [...document.querySelectorAll("[data-team]")];
const isEmpty = (row) => !row.querySelector("[data-team-name]").value.trim();

function settle() {
  add.hidden = !rows.some((row) => row.hidden);
}

if (add) {
  let kept = false;
  for (const row of rows) {
    row.hidden = isEmpty(row) && kept;
    kept = true;
    const away = row.querySelector("[data-team-remove]");
    away.hidden = false;
    away.addEventListener("click", () => {
      for (const field of row.querySelectorAll("input")) field.value = field.defaultValue = "";
      row.hidden = true;
      settle();
      add.focus();
    });
  }
  add.addEventListener("click", () => {
    const row = rows.find((one) => one.hidden);
    if (!row) return;
    row.hidden = false;
    const name = row.querySelector("[data-team-name]");
    name.value = name.value || row.dataset.team;
    name.focus();
    name.select();
    settle();
  });
  settle();
}

// Coordinates matter only where none of the places of the list is chosen.
for (const select of document.querySelectorAll("[data-team-start]")) {
  const told = select.closest("[data-team]").querySelector("[data-team-point]");
  const follow = () => { told.hidden = select.value !== "point"; };
  select.addEventListener("change", follow);
  follow();
}

// How many sites is no question where as few as possible are wanted.
const aims = document.getElementById("aims");
const sites = document.getElementById("sites-field");
if (aims && sites) {
  const follow = () => { sites.hidden = aims.querySelector(":checked")?.value === "fewest_sites"; };
  aims.addEventListener("change", follow);
  follow();
}
