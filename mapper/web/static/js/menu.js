/** Closes an open drawer of the menu on a click elsewhere, and on Escape, which gives the focus back to its heading. */

const drawers = () => document.querySelectorAll(".drawer[open]");

document.addEventListener("click", (event) => {
  for (const drawer of drawers()) if (!drawer.contains(event.target)) drawer.open = false;
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const drawer of drawers()) {
    drawer.open = false;
    drawer.querySelector("summary").focus();
  }
});
