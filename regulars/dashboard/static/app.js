// What HTML cannot do by itself: copying, dialogs in place, keys, asking before a changed form is left, and one
// submission per click. Every page works without this file.
"use strict";

document.documentElement.classList.add("js");

const one = (selector, from = document) => from.querySelector(selector);
const all = (selector, from = document) => [...from.querySelectorAll(selector)];

function say(words) {
  const toast = one("#toast-shape").content.cloneNode(true);
  one("p", toast).textContent = words;
  one("#toasts").append(toast);
  fade();
}

function fade() {
  for (const toast of all(".toast:not([data-timed])")) {
    toast.dataset.timed = "";
    const leave = () => { if (!toast.matches(":hover, :focus-within")) toast.remove(); else setTimeout(leave, 2000); };
    setTimeout(leave, 8000);
  }
}

// ---- copying
async function copy(button) {
  const text = button.dataset.copy || one(button.dataset.copyFrom).textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Pages served without https have no clipboard; the old way still works there.
    const area = document.createElement("textarea");
    area.value = text;
    (one("dialog[open]") || document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    button.focus();
  }
  say(`Copied: ${text.length > 60 ? text.slice(0, 57) + "…" : text}`);
}

// ---- forms
const changed = new Set();

function snapshot(form) {
  return JSON.stringify([...new FormData(form)].filter(([name]) => name !== "_csrf").map(([name, value]) => [name, value instanceof File ? value.name : value]));
}

function guard(within = document) {
  for (const form of all("form[data-guard]", within)) {
    if (!form.dataset.before) form.dataset.before = snapshot(form);
    if (form.dataset.dirty === "yes" || one("[aria-invalid=true]", form)) changed.add(form);
  }
}

function asks() {
  for (const form of changed) if (!form.isConnected) changed.delete(form);
  return changed.size > 0;
}

addEventListener("input", (event) => {
  const form = event.target.form;
  if (!form || !form.matches("[data-guard]")) return;
  if (snapshot(form) === form.dataset.before) changed.delete(form); else changed.add(form);
});

addEventListener("beforeunload", (event) => { if (asks()) event.preventDefault(); });

function busy(form, submitter) {
  form.dataset.busy = "yes";
  if (submitter && submitter.matches(".button")) submitter.setAttribute("aria-busy", "true");
}

function idle(within = document) {
  for (const form of all("form[data-busy]", within.parentNode || within)) delete form.dataset.busy;
  for (const button of all("[aria-busy=true]", within.parentNode || within)) button.removeAttribute("aria-busy");
}

addEventListener("submit", (event) => {
  const form = event.target;
  // What is shown in a frame beside the form is no act: the browser sends it there by itself.
  if (event.submitter?.formTarget) { event.stopImmediatePropagation(); return; }
  if (form.dataset.busy) { event.preventDefault(); event.stopImmediatePropagation(); return; }
  if (form.method === "dialog") return;
  // A button that only draws the form anew is no act: the next press takes its place, so that none is lost.
  if (form.method === "post" && !event.submitter?.formNoValidate) {
    // What was said of the act before must not stand beside what comes of this one.
    for (const toast of all(".toast")) toast.remove();
    busy(form, event.submitter);
  }
  changed.delete(form);
}, true);

addEventListener("pageshow", () => idle());

addEventListener("change", (event) => {
  const form = event.target.form;
  if (form && form.matches("[data-auto]") && event.target.matches("select")) form.requestSubmit();
  if (event.target.matches("[data-bytes-max]")) {
    const most = Number(event.target.dataset.bytesMax), large = [...event.target.files].some((file) => file.size > most);
    event.target.setCustomValidity(large ? `This file is larger than ${most / 1e6} MB. Split it, and import the parts.` : "");
    event.target.reportValidity();
  }
  if (event.target.matches("[data-ticks]")) for (const box of all(`input[name=${event.target.dataset.ticks}]`)) box.checked = event.target.checked;
  if (event.target.matches("[data-redraw]")) one(event.target.dataset.redraw, form).click();
});

// ---- dialogs: a link with data-dialog shows its page in place; without this file it is simply a link
function show(dialog) {
  const opened = dialog.open;
  if (!opened) dialog.showModal();
  guard(dialog);
  const fresh = all("[data-focus]", dialog).pop() || one("[aria-invalid=true]", dialog);
  if (fresh) { fresh.focus(); return; }
  if (opened && dialog.contains(document.activeElement) && document.activeElement !== dialog) return;
  const first = one("[aria-invalid=true]", dialog) || one("[autofocus]", dialog) || one("input:not([type=hidden]), select, textarea", dialog);
  if (first) first.focus();
}

function close(dialog) {
  if (asks() && [...changed].some((form) => dialog.contains(form)) && !confirm("Leave without saving? What you typed here is lost.")) return;
  for (const form of all("form", dialog)) changed.delete(form);
  dialog.close();
}

addEventListener("cancel", (event) => {
  if (!event.target.matches("dialog")) return;
  event.preventDefault();
  close(event.target);
}, true);

addEventListener("close", (event) => {
  if (event.target.id !== "dialog") return;
  const slot = one("#dialog-slot"), stale = one("[data-stale]", slot);
  slot.replaceChildren();
  if (stale) location.reload();
}, true);

addEventListener("click", (event) => {
  const target = event.target.closest("[data-copy], [data-copy-from], [data-close], [data-open], .toast button, dialog");
  if (!target) return;
  if (target.matches("dialog")) { if (event.target === target) close(target); return; }
  if (target.matches("[data-copy], [data-copy-from]")) copy(target);
  else if (target.matches("[data-open]")) { event.preventDefault(); show(one(target.dataset.open)); }
  else if (target.matches(".toast button")) target.closest(".toast").remove();
  else if (target.closest("dialog")) { event.preventDefault(); close(target.closest("dialog")); }
});

addEventListener("click", (event) => {
  for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});

// ---- a message being written: variables where one is typing, and how it looks, drawn in a frame that takes the place of
// the one before, so that going back leads away from the page and not through all that was typed
let typing, looking, looks = 0;

function look(button) {
  const before = all("iframe[name^=look]").pop(), frame = before.cloneNode();
  frame.removeAttribute("src");
  frame.name = button.formTarget = `look-${++looks}`;
  frame.hidden = true;
  before.after(frame);
  frame.addEventListener("load", () => { frame.hidden = false; before.remove(); });
  button.form.requestSubmit(button);
}

addEventListener("focusin", (event) => { if (event.target.matches("#subject, #preheader, #body, #slots")) typing = event.target; });
addEventListener("click", (event) => {
  const button = event.target.closest("[data-insert]");
  if (!button) return;
  const into = typing?.isConnected ? typing : one("#body");
  into.setRangeText(button.dataset.insert, into.selectionStart, into.selectionEnd, "end");
  into.dispatchEvent(new Event("input", { bubbles: true }));
  into.focus();
});
addEventListener("input", (event) => {
  const button = one("[data-live]");
  if (!button || event.target.form !== button.form) return;
  clearTimeout(looking);
  looking = setTimeout(() => { if (button.isConnected) look(button); }, 400);
});

// ---- keys
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && !one("dialog[open]")) {
    for (const menu of all("details.menu[open]")) { menu.open = false; one("summary", menu).focus(); }
    if (location.hash === "#menu") { location.hash = "main"; one(".top .open").focus(); }
    if (event.target.matches("input[type=search]") || event.target.closest(".find")) event.target.blur();
  }
  if (event.target.matches("input, select, textarea, [contenteditable]") || one("dialog[open]")) return;
  if (event.key === "/") {
    const search = one("#find");
    if (search) { event.preventDefault(); search.focus(); search.select(); }
  }
  const stops = all("[data-stop]");
  const here = stops.findIndex((stop) => stop.contains(document.activeElement));
  if (stops.length && (event.key === "j" || event.key === "k")) {
    event.preventDefault();
    stops[Math.min(Math.max(here + (event.key === "j" ? 1 : -1), 0), stops.length - 1)].focus();
  } else if (here >= 0) {
    const press = one(`[data-key="${CSS.escape(event.key)}"]`, stops[here]);
    if (press) { event.preventDefault(); press.click(); }
  }
  if (event.key === "?") { event.preventDefault(); show(one("#keys")); }
});

// ---- htmx
// A dialog that takes longer than 300 ms opens with the shape of what is coming.
addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.target.id !== "dialog-slot") return;
  const waiting = setTimeout(() => {
    event.detail.target.replaceChildren(one("#bones-shape").content.cloneNode(true));
    one("#dialog").showModal();
  }, 300);
  event.detail.xhr.addEventListener("loadend", () => clearTimeout(waiting));
});
addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.ariaLive) return; // only said: the one who types stays where they are
  const slot = one("#dialog-slot");
  if (slot && slot.children.length) { show(one("#dialog")); return; }
  guard();
  const next = all("#main [data-focus]").pop() || one("#main [aria-invalid=true]");
  if (next) next.focus();
});
addEventListener("htmx:afterRequest", (event) => {
  // An answer that leads to another page leaves its form busy until that is shown: pressed meanwhile, nothing is sent.
  // A drawing that was given up (status 0) has an act under way in its place.
  if (event.detail.xhr.status && !event.detail.xhr.getResponseHeader("hx-redirect")) idle(event.target);
});
addEventListener("htmx:sendError", (event) => {
  idle(event.target);
  say("The server did not answer. Nothing was changed; try again.");
});
addEventListener("htmx:responseError", (event) => say(`The server answered ${event.detail.xhr.status}. Nothing was changed; load the page again.`));

document.addEventListener("DOMContentLoaded", () => { guard(); fade(); });
