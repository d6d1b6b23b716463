// The page of what the crawler does, as it does it. Without this file it is a list, to be reloaded.
(() => {
  "use strict";
  const MOST = 200; // rows shown
  const COUNTED = { fetched: 0, changed: 0, linked: 1, failed: 2 }; // columns of the table
  const MOST_SOURCES = 200;
  const find = (selector) => document.querySelector(selector);
  const list = find("#live");
  const state = find("#live-state");
  const pause = find("#live-pause");
  const sources = new Map();
  let held = []; // rows that came while it was paused
  let stream = null;

  function make(name, text, parent) {
    const element = document.createElement(name);
    element.textContent = text;
    parent.append(element);
    return element;
  }

  function row(one) {
    const item = document.createElement("li");
    make("b", one.kind, item).className = one.kind;
    item.append(" ");
    make("time", one.at.slice(11, 19), item).dateTime = one.at;
    item.append(" ");
    const what = make("span", "", item);
    const place = one.href ? make("a", "", what) : what;
    if (one.href) place.href = one.href;
    make("bdi", one.title || "(no title)", place);
    what.append(" ");
    const facts = make("span", "", what);
    facts.className = "facts";
    make("bdi", one.source, facts);
    if (one.reason) facts.append(` · ${one.reason}`);
    return item;
  }

  function show(items) {
    list.prepend(...items.reverse());
    while (list.children.length > MOST) list.lastElementChild.remove();
    find("#live-empty")?.remove();
  }

  function count(one) {
    const column = COUNTED[one.kind];
    if (column === undefined || !one.source) return;
    if (!sources.has(one.source)) {
      if (sources.size >= MOST_SOURCES) return;
      const line = make("tr", "", find("#live-sources tbody"));
      make("th", one.source, line).scope = "row";
      sources.set(one.source, [0, 1, 2].map(() => make("td", "0", line)));
      find("#live-sources").hidden = false;
    }
    const cell = sources.get(one.source)[column];
    cell.textContent = String(Number(cell.textContent) + 1);
  }

  function missed(number) {
    const item = document.createElement("li");
    item.className = "facts";
    item.textContent = number > 0 ? `${number} more happened that are not shown.` : "More happened that is not shown.";
    return item;
  }

  function take(item) {
    if (pause.getAttribute("aria-pressed") === "true") {
      held.push(item);
      if (held.length > MOST) held.shift();
      return;
    }
    show([item]);
  }

  pause.addEventListener("click", () => {
    const paused = pause.getAttribute("aria-pressed") !== "true";
    pause.setAttribute("aria-pressed", String(paused));
    if (!paused) {
      show(held);
      held = [];
    }
  });

  stream = new EventSource(`/live/events?after=${encodeURIComponent(list.dataset.mark)}`);
  stream.addEventListener("open", () => { state.textContent = "Live; the newest first."; });
  stream.addEventListener("error", () => { state.textContent = "The server does not answer; trying again."; });
  stream.addEventListener("missed", (event) => take(missed(Number(event.data))));
  stream.addEventListener("happening", (event) => {
    const one = JSON.parse(event.data);
    count(one);
    take(row(one));
  });
  pause.hidden = false;
  addEventListener("pagehide", () => stream.close());
})();
