// Keys, and where the focus goes. Everything works without this file, by links, forms and buttons.
(() => {
  "use strict";
  const STORED = "wiretrace-keys";
  const find = (selector, within = document) => within.querySelector(selector);
  const cards = () => [...document.querySelectorAll("#links > .card")];
  const help = find("#help");
  const switchOfKeys = find("#keys-on");

  const stored = () => { try { return localStorage.getItem(STORED); } catch { return null; } };
  switchOfKeys.checked = stored() !== "off";
  switchOfKeys.addEventListener("change", () => {
    try { localStorage.setItem(STORED, switchOfKeys.checked ? "on" : "off"); } catch { /* it holds for this page */ }
  });
  find("#keys").addEventListener("click", () => help.showModal());

  const current = () => document.activeElement?.closest?.(".card") ?? null;

  function focus(card) {
    const link = card && find(".open", card);
    if (!link) return false;
    link.focus();
    card.scrollIntoView({ block: "nearest" });
    return true;
  }

  function move(step) {
    const all = cards();
    if (!all.length) return follow(step > 0 ? "next" : "prev");
    const place = all.indexOf(current());
    const to = place < 0 ? 0 : place + step;
    if (to >= all.length) return follow("next");
    return focus(all[Math.max(0, to)]);
  }

  function follow(relation) {
    const link = find(`main a[rel="${relation}"]`);
    if (link) link.click();
    return Boolean(link);
  }

  function judge(verdict) {
    const all = cards();
    const card = current() ?? all[0];
    const form = find(all.length ? ".judge" : "#judge", card ?? document);
    const button = form && find(`button[value="${verdict}"]`, form);
    if (!button) return;
    button.click();
    // On to the next at once: who judges many does not wait for each answer.
    const next = all.slice(all.indexOf(card) + 1).find((one) => find(".judge", one));
    if (card) focus(next ?? card);
  }

  const keys = {
    j: () => move(1),
    k: () => move(-1),
    c: () => judge("confirm"),
    r: () => judge("reject"),
    u: () => find("#undo").requestSubmit(),
    i: () => { const back = find("#back"); if (back) back.click(); },
    "/": () => find("#search").focus(),
    "?": () => help.showModal(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || help.open) return;
    if (event.target.closest("input, select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const action = switchOfKeys.checked && Object.hasOwn(keys, event.key) ? keys[event.key] : null;
    if (!action) return;
    event.preventDefault();
    action();
  });

  function tell(text) {
    const line = document.createElement("p");
    line.textContent = text;
    find("#status").replaceChildren(line);
  }

  let left = null; // the card whose button had the focus when it was pressed
  document.addEventListener("htmx:beforeRequest", (event) => {
    left = event.detail.elt.closest?.(".card")?.id ?? null;
  });
  document.addEventListener("htmx:afterSettle", () => {
    const said = find("#status[data-focus]");
    if (said) {
      const card = document.getElementById(said.dataset.focus);
      said.removeAttribute("data-focus");
      focus(card);
    } else if (left && document.activeElement === document.body) {
      focus(document.getElementById(left)); // the button went with the card as it was
    }
  });
  document.addEventListener("htmx:responseError", (event) => {
    tell(event.detail.xhr.responseText.trim().slice(0, 300) || "That did not work.");
  });
  document.addEventListener("htmx:sendError", () => tell("The server does not answer."));
})();
