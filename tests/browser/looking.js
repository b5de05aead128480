// Looks at the page it runs in, and returns what is wrong with it, in words.
() => {
  const found = [];
  const visible = (e) => e.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) && e.getClientRects().length;
  const where = (e) => e.outerHTML.slice(0, 120);
  const each = (selector, look) => document.querySelectorAll(selector).forEach((e) => { if (visible(e)) look(e); });

  if (document.querySelectorAll("h1").length !== 1) found.push("there must be one h1");
  if (!document.documentElement.lang || !document.title) found.push("no language or no title");
  const over = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (over > 0) found.push(`${over} px too wide`);

  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  const twice = new Set(ids.filter((id, at) => ids.indexOf(id) !== at));
  for (const id of twice) found.push(`two things have the id ${id}`);

  each("input:not([type=hidden]), select, textarea", (e) => {
    if (!e.labels.length && !e.getAttribute("aria-label")) found.push(`no label: ${where(e)}`);
  });
  each("button, a[href], summary", (e) => {
    if (!e.textContent.trim() && !e.getAttribute("aria-label")) found.push(`no words: ${where(e)}`);
  });
  each("[aria-describedby]", (e) => {
    for (const id of e.getAttribute("aria-describedby").trim().split(/\s+/))
      if (!document.getElementById(id)) found.push(`described by nothing: ${where(e)}`);
  });
  each("table", (e) => { if (!e.caption || !e.tHead) found.push(`a table without caption or head: ${where(e)}`); });
  each("main button:not(.unseen), main .button, nav a", (e) => {
    const box = e.getBoundingClientRect();
    if (box.height < 24 || box.width < 24) found.push(`smaller than 24 px: ${where(e)}`);
  });
  for (const e of document.querySelectorAll("[style], [onclick]")) found.push(`inline style or script: ${where(e)}`);

  let level = 0;
  each("main h1, main h2, main h3, main h4", (e) => {
    const next = Number(e.tagName[1]);
    if (level && next > level + 1) found.push(`a heading skips a level: ${where(e)}`);
    level = next;
  });

  // Contrast of each piece of text with the nearest ground that is painted behind it.
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const linear = (v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const colour = rgba(getComputedStyle(e).backgroundColor);
      if (colour[3] > 250) return colour;
    }
    return [255, 255, 255];
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  while (texts.nextNode()) {
    const e = texts.currentNode.parentElement;
    const apart = "[disabled], .unseen, template, script, svg";
    if (!texts.currentNode.data.trim() || seen.has(e) || !visible(e) || e.closest(apart)) continue;
    seen.add(e);
    const [a, b] = [light(rgba(getComputedStyle(e).color)), light(ground(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push(`contrast ${ratio.toFixed(2)}: ${where(e)}`);
  }
  return found;
}
