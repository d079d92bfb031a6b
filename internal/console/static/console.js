// Keeps a page up to date, and makes forms handier. All works without it.

const main = document.getElementById("main");
const link = document.getElementById("link");

// Times: the server tells them in UTC, here they are told in the browser's zone.

const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const precise = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23" });

function localize(root) {
  for (const t of root.querySelectorAll("time[datetime]")) {
    const at = new Date(t.dateTime);
    if (isNaN(at)) continue;
    t.title = at.toISOString();
    if ("clock" in t.dataset) t.textContent = precise.format(at);
    else if (day.format(at) === day.format(new Date())) t.textContent = clock.format(at);
    else t.textContent = `${day.format(at)}, ${clock.format(at)}`;
  }
}

function took(ms) {
  const s = Math.max(0, ms / 1000), two = (n) => String(Math.floor(n)).padStart(2, "0");
  if (s < 60) return `${Math.floor(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${two(s % 60)} s`;
  if (s < 172800) return `${Math.floor(s / 3600)} h ${two((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} days`;
}

// skew is how much this machine's clock is ahead of the server's, in ms.
let skew = 0;

function tick() {
  for (const e of document.querySelectorAll("[data-since]")) {
    const text = took(Date.now() - skew - new Date(e.dataset.since));
    if (e.textContent !== text) e.textContent = text;
  }
}

// morph makes one element like another, and keeps what is the same: focus, scroll
// positions, what is unfolded, what is being typed.

const keyOf = (n) => (n.nodeType === 1 ? n.dataset.key || n.id : "");
const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName;

function morph(from, to) {
  if (from.nodeType !== 1) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  if ("keep" in from.dataset && "keep" in to.dataset) return;
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && name !== "open" && name !== "style") from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value && name !== "open") from.setAttribute(name, value);
  }
  const keyed = new Map();
  for (const c of from.childNodes) if (keyOf(c)) keyed.set(keyOf(c), c);
  let at = from.firstChild;
  for (const next of [...to.childNodes]) {
    const key = keyOf(next);
    const match = key ? keyed.get(key) : at && !keyOf(at) ? at : null;
    if (!match || !alike(match, next)) {
      from.insertBefore(document.importNode(next, true), at);
      continue;
    }
    if (match === at) at = at.nextSibling;
    else from.insertBefore(match, at);
    morph(match, next);
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

// Staying up to date: a page is fetched anew when its stream tells of a change, or now
// and then.

let fetching = false, again = false, timer = 0, failed = 0, cost = 0, source = null;

function later(ms) {
  clearTimeout(timer);
  timer = setTimeout(refresh, ms);
}

async function refresh() {
  if (fetching) {
    again = true;
    return;
  }
  fetching = true;
  again = false;
  const began = performance.now();
  try {
    const here = new URL(location.href);
    here.searchParams.delete("done");
    here.hash = "";
    const answer = await fetch(here, { headers: { accept: "text/html" } });
    if (answer.redirected && new URL(answer.url).pathname === "/login") return location.reload();
    if (!answer.ok) throw new Error(`the server answers ${answer.status}`);
    const told = Date.parse(answer.headers.get("date"));
    if (told) skew = Math.abs(Date.now() - told) > 5000 ? Date.now() - told : 0;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    localize(page);
    morph(main, page.getElementById("main"));
    document.title = page.title;
    zoomed();
    tick();
    failed = 0;
    tell("");
  } catch (e) {
    failed++;
    tell(`Out of date: ${e.message}. Trying again…`);
  } finally {
    fetching = false;
  }
  follow();
  cost = performance.now() - began; // a page that is dear is fetched less often
  if (document.hidden) return;
  if (failed) later(Math.min(30000, 1000 * 2 ** failed));
  else if (again) later(Math.max(300, 2 * cost));
  else if (main.dataset.poll) later(Math.max(1000 * main.dataset.poll, 10 * cost));
  else if (main.dataset.live) later(Math.max(5000, 20 * cost)); // what runs grows
}

function tell(text) {
  if (link.textContent !== text) link.textContent = text;
}

// follow has a stream open while the page is seen and has one: browsers allow but few.
function follow() {
  const wanted = main.dataset.live && !document.hidden;
  if (source && (document.hidden || source.readyState === EventSource.CLOSED)) {
    source.close();
    source = null;
  }
  if (!wanted || source) return;
  source = new EventSource(main.dataset.live);
  source.addEventListener("change", () => later(Math.max(150, 2 * cost)));
  source.addEventListener("log", (e) => logged(e.data));
  source.addEventListener("end", () => {
    source.close();
    document.getElementById("log")?.removeAttribute("data-keep"); // nothing is added any more
    later(50);
  });
  source.addEventListener("error", () => {
    if (source && source.readyState === EventSource.CLOSED) later(3000);
  });
}

const maxLines = 3000;

function logged(html) {
  const box = document.getElementById("log");
  if (!box) return;
  const lines = new DOMParser().parseFromString(`<ol>${html}</ol>`, "text/html");
  localize(lines);
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
  box.querySelector(".empty")?.remove();
  const list = box.querySelector("ol");
  for (const line of [...lines.querySelectorAll("li")]) list.append(document.importNode(line, true));
  while (list.children.length > maxLines) list.firstElementChild.remove();
  if (atEnd) box.scrollTop = box.scrollHeight;
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    clearTimeout(timer);
    follow();
  } else if (main.dataset.live || main.dataset.poll) refresh();
});

// The graph can be made smaller, to be seen as a whole.

let zoom = 1;

function zoomed() {
  const box = document.getElementById("graph"), svg = box?.querySelector("svg");
  if (!svg) return;
  if (!svg.dataset.width) {
    svg.dataset.width = svg.viewBox.baseVal.width || svg.getBoundingClientRect().width;
  }
  const width = parseFloat(svg.dataset.width);
  const fit = Math.min(1, (box.clientWidth - 24) / width);
  svg.style.width = zoom === 1 ? "" : `${width * (zoom || fit)}px`;
  svg.style.height = zoom === 1 ? "" : "auto";
  if (!document.getElementById("zoom") && fit < 1) controls(box);
}

function controls(box) {
  const bar = document.createElement("div");
  bar.id = "zoom";
  bar.className = "zoom";
  for (const [text, name, change] of [["−", "Smaller", () => (zoom || 1) / 1.25], ["+", "Larger", () => (zoom || 0.5) * 1.25], ["Whole", "As a whole", () => 0], ["100 %", "At its size", () => 1]]) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet";
    button.textContent = text;
    button.setAttribute("aria-label", name);
    button.addEventListener("click", () => {
      zoom = Math.min(3, change());
      zoomed();
    });
    bar.append(button);
  }
  box.before(bar);
}

// Forms: what is chosen is shown alone, files fill texts.

function panes() {
  for (const radio of document.querySelectorAll("input[data-shows]")) {
    const pane = document.getElementById(radio.dataset.shows);
    pane.hidden = !radio.checked;
  }
}

document.addEventListener("change", async (e) => {
  const t = e.target;
  if (t.matches("input[data-shows]")) panes();
  if (t.matches("select[data-goto]")) location.assign(t.dataset.goto + encodeURIComponent(t.value));
  if (t.matches("input[type=file]") && t.files[0]) {
    const text = document.querySelector(`textarea[data-file="${CSS.escape(t.id)}"]`);
    if (text) text.value = await t.files[0].text();
    const name = document.querySelector(`input[data-from="${CSS.escape(t.id)}"]`);
    if (name && !name.value) name.value = t.files[0].name.replace(/\.wasm$/, "");
  }
  if (t.matches(".filter input[type=checkbox], .filter select")) t.form.requestSubmit();
});

// One pop-up is open at a time; Escape closes it.
document.addEventListener("toggle", (e) => {
  if (!e.target.matches("details.pop") || !e.target.open) return;
  for (const other of document.querySelectorAll("details.pop[open]")) if (other !== e.target) other.open = false;
}, true);
document.addEventListener("keydown", (e) => {
  if (e.key !== "Escape") return;
  for (const open of document.querySelectorAll("details.pop[open]")) {
    open.open = false;
    open.querySelector("summary").focus();
  }
});

// A link to the login page may bring the token, behind the # that no server sees.
const token = document.getElementById("token");
if (token && location.hash.startsWith("#token=")) {
  token.value = decodeURIComponent(location.hash.slice("#token=".length));
  history.replaceState(null, "", location.pathname + location.search);
}

document.documentElement.classList.add("js");
localize(document);
panes();
zoomed();
tick();
setInterval(tick, 1000);
const log = document.getElementById("log");
if (log) log.scrollTop = log.scrollHeight;
if (main.dataset.poll) later(1000 * main.dataset.poll);
else if (main.dataset.live) later(5000);
follow();
