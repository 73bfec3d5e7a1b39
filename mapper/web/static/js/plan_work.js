// While a plan is worked out: asks how far it is, and loads the page again once there is more to be seen.

const EVERY_MS = 1000;
const line = document.getElementById("plan-work");

async function look() {
  try {
    const answer = await fetch(line.dataset.url, { headers: { Accept: "application/json" } });
    if (!answer.ok || !answer.headers.get("Content-Type")?.includes("json")) throw new Error("no progress");
    const { stage, share, seen } = await answer.json();
    const ended = stage !== "waiting" && stage !== "running";
    if (ended || seen !== line.dataset.seen) {
      location.reload();
      return;
    }
    document.getElementById("plan-share").value = share;
  } catch {
    document.getElementById("plan-note").textContent = line.dataset.failed;
  }
  setTimeout(look, EVERY_MS);
}

if (line) setTimeout(look, EVERY_MS);
