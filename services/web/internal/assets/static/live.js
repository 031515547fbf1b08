// Lets a page's total rise while it is open. The page is whole without this file;
// what it shows was true when it was drawn.

const region = document.querySelector("[data-live]");
const said = document.querySelector("[data-live-said]");

// Readers of screens are told at most this often, milliseconds.
const quiet = 10_000;
let lastSaid = 0;
let unsaid = 0;

function say() {
  clearTimeout(unsaid);
  const wait = lastSaid + quiet - Date.now();
  if (wait > 0) {
    unsaid = setTimeout(say, wait);
    return;
  }
  lastSaid = Date.now();
  said.textContent = region.querySelector("p")?.textContent.trim() ?? "";
}

// The list of gifts is taken from the page itself, so that names are shown by the
// same rules. Many readers hear of a gift in the same moment; they ask one after
// the other.
let asked = 0;
function showGifts() {
  if (asked) return;
  asked = setTimeout(async () => {
    asked = 0;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("[data-live-gifts]");
      const shown = document.querySelector("[data-live-gifts]");
      if (fresh && shown && !shown.contains(document.activeElement)) shown.replaceWith(fresh);
    } catch {
      // The next gift asks again.
    }
  }, 200 + Math.random() * 1300);
}

function show(news) {
  if (news.as_of <= Number(region.dataset.asOf)) return;
  region.dataset.asOf = news.as_of;
  const parsed = new DOMParser().parseFromString(news.html, "text/html");
  region.replaceChildren(...parsed.body.childNodes);
  say();
  showGifts();
}

// Where a stream cannot be kept (too many listen, or a proxy cuts it), the page
// asks now and then.
let polling = 0;
function poll() {
  if (polling) return;
  polling = setInterval(async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(region.dataset.live, { headers: { Accept: "application/json" } });
      if (answer.ok) show(await answer.json());
    } catch {
      // Offline; the next turn asks again.
    }
  }, 10_000 + Math.random() * 5_000);
}

function listen() {
  const url = new URL(region.dataset.live, location.href);
  url.searchParams.set("after", region.dataset.asOf);
  const stream = new EventSource(url);
  let failures = 0;
  stream.addEventListener("totals", (event) => {
    failures = 0;
    show(JSON.parse(event.data));
  });
  stream.addEventListener("error", () => {
    failures++;
    if (stream.readyState === EventSource.CLOSED || failures > 5) {
      stream.close();
      poll();
    }
  });
}

if (region) {
  if (window.EventSource) listen();
  else poll();
}
