// While the server works something out: asks how far it is, and puts what came of it in its place.

const EVERY_MS = 1000;

function wait() {
  const line = document.getElementById("at-work");
  if (line) setTimeout(() => look(line), EVERY_MS);
}

async function look(line) {
  try {
    const answer = await fetch(line.dataset.url, { headers: { Accept: "application/json" } });
    if (!answer.ok || !answer.headers.get("Content-Type")?.includes("json")) throw new Error("no progress");
    const { stage, share } = await answer.json();
    if (stage === "waiting" || stage === "running") document.getElementById("work-share").value = share;
    else await renew(line.dataset.page);
  } catch {
    document.getElementById("work-note").textContent = line.dataset.failed;
  }
  wait();
}

async function renew(address) {
  const answer = await fetch(address);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
  if (!answer.ok || !fresh) throw new Error("another page");
  document.getElementById("live").replaceWith(fresh);
}

wait();
