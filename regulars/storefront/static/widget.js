// The customer's widget: one script, no dependency, no cookie. It runs twice. In the shop's page it only makes an empty
// frame and starts itself anew in there, where nothing that the page has changed (prototypes, globals, fetch) counts;
// from there it draws into a shadow tree of the page.
"use strict";
(() => {
  const NAME = "regulars-realm", GIVEN = ["shop", "token", "customer", "timestamp", "digest", "language", "whole", "mount", "boot", "failed"];

  // ---- in the shop's page: no method is taken for granted
  function begin() {
    const root = document.documentElement, html = "http://www.w3.org/1999/xhtml";
    const dressed = (frame) => {
      frame.name = NAME;
      frame.hidden = true;
      frame.title = "";
      frame.tabIndex = -1;
      return frame;
    };
    const ways = [
      () => root.appendChild(dressed(document.createElement("iframe"))),
      () => root.insertBefore(dressed(document.createElementNS(html, "iframe")), null),
      () => root.insertAdjacentHTML("beforeend", `<iframe name="${NAME}" hidden title="" tabindex="-1"></iframe>`),
      () => document.write(`<iframe name="${NAME}" hidden title="" tabindex="-1"></iframe>`),
    ];
    for (let n = 0; n < ways.length; n++) {
      try { ways[n](); } catch { /* the next way */ }
      const realm = made();
      if (realm) { start(realm); return; }
    }
  }

  function count(of) {
    let frames = 0;
    while (frames < 999 && of[frames]) frames++;
    return frames;
  }

  function made() {
    for (let n = count(window) - 1; n >= 0; n--) {
      try { if (window[n].name === NAME && !window[n].regularsFor) return window[n]; } catch { /* of another site */ }
    }
  }

  function start(realm) {
    const { Reflect: { apply, get }, Document: Doc, Element: El, HTMLScriptElement: Script } = realm;
    const script = get(Doc.prototype, "currentScript", document)
      || apply(Doc.prototype.querySelector, document, ["script[src*='/storefront/v1/widget.js']"]);
    const source = get(Script.prototype, "src", script), nonce = get(realm.HTMLElement.prototype, "nonce", script);
    const go = () => {
      if (realm.regularsFor) return;
      const again = realm.document.createElement("script");
      for (let n = 0; n < GIVEN.length; n++) {
        const value = apply(El.prototype.getAttribute, script, ["data-" + GIVEN[n]]);
        if (value !== null) again.setAttribute("data-" + GIVEN[n], value);
      }
      if (nonce) again.nonce = nonce;
      try {
        again.src = source;
      } catch {
        again.src = realm.trustedTypes.createPolicy("regulars", { createScriptURL: () => source }).createScriptURL("");
      }
      realm.document.head.appendChild(again);
    };
    go();
    // Some browsers put another empty document in the frame's place when it has loaded.
    try { realm.frameElement.onload = go; } catch { /* then it stays as it is */ }
  }

  if (self.name !== NAME) { begin(); return; }
  if (self.regularsFor) return;
  self.regularsFor = parent;

  // ---- in the frame
  const here = document.currentScript, given = here.dataset, base = new URL(here.src).origin + "/storefront/v1";
  const page = parent.document, of = (type, name, thing) => Reflect.get(type.prototype, name, thing);
  const call = (type, name, thing, ...args) => Reflect.apply(type.prototype[name], thing, args);
  const listen = (thing, type, act) => call(EventTarget, "addEventListener", thing, type, act, true);

  const whole = given.whole || given.mount;

  let data, root, panel, inside, launcher, live, picked, token = given.token || "", tab = "home", said = null;

  function h(tag, more, ...inside) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(more || {})) {
      if (typeof value === "function") element.addEventListener(name, value);
      else if (value !== undefined && value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...inside.flat(5).filter((one) => one !== undefined && one !== null && one !== false && one !== ""));
    return element;
  }

  const shape = (d) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), path = document.createElementNS(svg.namespaceURI, "path");
    for (const [name, value] of [["viewBox", "0 0 24 24"], ["aria-hidden", "true"], ["focusable", "false"]]) svg.setAttribute(name, value);
    path.setAttribute("d", d);
    svg.append(path);
    return svg;
  };
  const GIFT = "M20 7h-2.2A3 3 0 0 0 12 5a3 3 0 0 0-5.800 2H4a1 1 0 0 0-1 1v4h8V7h2v5h8V8a1 1 0 0 0-1-1ZM4 14v6a1 1 0 0 0 1 1h6v-7H4Zm9 7h6a1 1 0 0 0 1-1v-6h-7v7Z";
  const CROSS = "m6.400 5 5.600 5.600L17.600 5 19 6.400 13.400 12l5.600 5.600-1.400 1.400-5.600-5.600L6.400 19 5 17.600l5.600-5.600L5 6.400Z";

  // ---- words
  const number = (n) => new Intl.NumberFormat(data.language, { maximumFractionDigits: 2 }).format(n);
  const money = (n, code = data.currency_code) => {
    const digits = n === Math.round(n) ? { minimumFractionDigits: 0 } : {};
    return new Intl.NumberFormat(data.language, { style: "currency", currency: code.toUpperCase(), ...digits }).format(n);
  };
  const minor = (n, code) => money(n / 10 ** new Intl.NumberFormat("en", { style: "currency", currency: code.toUpperCase() }).resolvedOptions().maximumFractionDigits, code);
  const day = (at) => new Intl.DateTimeFormat(data.language, { dateStyle: "medium", timeZone: data.time_zone }).format(new Date(at));
  const say = (name, values) => {
    const filled = { coins: data.coin_name, ...values };
    const told = (value) => (typeof value === "number" ? number(value) : value ?? "");
    // In a line from right to left each value keeps its own direction.
    return (data.words[name] || "").replace(/\{(\w+)\}/g, (_, key) => (data.right_to_left ? `\u2068${told(filled[key])}\u2069` : told(filled[key])));
  };
  const called = (one, steps = 1) => one.title || say(`off_${one.discount.replace("free_", "")}`, { n: one.value * steps, money: money(one.value * steps) });
  const terms = (one) => one.description || (one.minimum_cart ? say("minimum_cart", { money: money(one.minimum_cart) }) : "");

  // ---- asking
  async function ask(path, body, key) {
    const query = new URLSearchParams({ shop: given.shop, language: given.language || of(HTMLElement, "lang", of(Document, "documentElement", page)) || "" });
    const headers = { "x-workspaceid": given.shop };
    if (token) headers["x-leadtoken"] = token;
    else if (given.digest) {
      Object.assign(headers, { "x-leaddigest": given.digest, "x-timestamp": given.timestamp });
      query.set("customer_id", given.customer);
    }
    if (body) Object.assign(headers, { "content-type": "application/json", "idempotency-key": key });
    const answer = await fetch(`${base}${path}?${query}`, {
      method: body ? "POST" : "GET", headers, credentials: "omit", referrerPolicy: "no-referrer", body: body && JSON.stringify(body),
    });
    const found = await answer.json();
    if (!answer.ok) throw Object.assign(new Error(found.detail), { code: found.code, status: answer.status });
    return found;
  }

  async function load() {
    if (given.boot) data = JSON.parse(given.boot);
    else if (token || given.digest) {
      try {
        data = await ask("/me");
      } catch (error) {
        if (error.status !== 401) throw error;
        token = given.digest = "";
      }
    }
    if (!given.boot && !token && !given.digest) data = await ask("/shop");
    token = data.token || token;
  }

  // ---- parts
  const section = (title, ...inside) => h("section", {}, h("h3", {}, title), ...inside);
  const list = (items, none) => (items.length ? h("ul", {}, items) : h("p", { class: "quiet" }, none));
  const row = (title, under, beside, more) => h("li", {}, h("div", { class: "row" }, h("div", { class: "words" }, h("strong", {}, h("bdi", {}, title)), h("small", {}, under.filter(Boolean).map((part, n) => [n ? " · " : "", h("bdi", {}, part)]))), beside), more);
  const button = (text, act, more) => h("button", { type: "button", click: act, ...more }, text);
  const tell = (text) => { live.textContent = ""; setTimeout(() => { live.textContent = text; }, 50); };

  function copier(text) {
    const field = h("input", { readonly: true, value: text, "aria-label": text, class: "code", dir: "ltr", size: Math.min(24, text.length) });
    const copy = button(say("copy"), async () => {
      try {
        await call(Clipboard, "writeText", of(Navigator, "clipboard", parent.navigator), text);
      } catch {
        field.select();
        call(Document, "execCommand", page, "copy");
      }
      copy.textContent = say("copied");
      tell(say("copied"));
    });
    return h("div", { class: "row copier" }, field, copy);
  }

  const away = (href, text, label) => h("a", { class: "button", href, target: "_blank", rel: "noopener", "aria-label": label }, text);
  function share(link) {
    const text = encodeURIComponent(`${say("share")} ${link}`);
    return h("div", { class: "row share" }, away(`https://wa.me/?text=${text}`, "WhatsApp"), away(`mailto:?subject=${encodeURIComponent(data.name)}&body=${text}`, say("by_email")));
  }

  function balance(me) {
    const notes = [
      ...me.purse.activates.slice(0, 3).map(([at, n]) => say("pending", { n, date: day(at) })),
      ...me.purse.expires.slice(0, 3).map(([at, n]) => say("expires", { n, date: day(at) })),
    ];
    const { available, held, debt } = me.purse.balance;
    if (held) notes.push(say("held", { n: held }));
    if (debt) notes.push(say("debt", { n: debt }));
    return h("section", { class: "balance" }, h("p", {}, say("balance")), h("p", { class: "big" }, number(available)), notes.map((note) => h("p", { class: "note" }, note)));
  }

  function ladder({ tier, until, next_tier, reached }) {
    const at = data.tiers.find((one) => one.key === tier), next = data.tiers.find((one) => one.key === next_tier);
    const asked = next ? Object.entries(next.enter) : [];
    const needs = asked.map(([what, most]) => {
      const value = Math.min(reached[what], most), told = (n) => (what === "spent" ? money(n) : number(n));
      const text = say(`need_${what}`, { reached: told(value), asked: told(most) });
      return h("li", {}, h("span", {}, text), h("progress", { max: most, value, "aria-label": text }));
    });
    const one_is_enough = asked.length > 1 && next.match !== "all" && ` (${say("match_any")})`;
    return section(
      say("tier"),
      h("p", {}, h("strong", {}, h("bdi", {}, at ? at.name : say("tier_none"))), until && h("small", {}, ` ${say("member_until", { date: day(until) })}`)),
      at && (at.perks || []).length > 0 && h("ul", { class: "perks" }, at.perks.map((perk) => h("li", {}, h("bdi", {}, perk)))),
      next ? [h("p", { class: "quiet" }, say("to_next", { tier: next.name }), one_is_enough), h("ul", { class: "needs" }, needs)] : h("p", { class: "quiet" }, say("top")),
    );
  }

  function way({ trigger, left, done }) {
    const { content, coin_range: { min, max }, coins_per_unit } = trigger, link = /^(https?:\/\/|\/)/.test(content.link) && content.link;
    const gives = trigger.type === "offer" ? say("coupon_given")
      : coins_per_unit ? say("per_unit", { n: coins_per_unit, money: money(1) })
      : max > min ? say("coins_range", { n: min, most: max }) : say("coins_fixed", { n: min });
    const next = Object.entries(left).sort((a, b) => a[1] - b[1])[0];
    const beside = (done || next) && h("span", { class: "tag" }, done ? say("done") : say(`left_${next[0]}`, { n: next[1] }));
    const title = link ? h("a", { href: link, target: "_top", rel: "noopener" }, content.title) : content.title;
    return row(title, [gives, content.description], beside);
  }

  function offer(one) {
    const dynamic = one.steps_max > one.steps_min, key = [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
    let steps = one.steps_min;
    const price = () => one.coins * steps, name = h("span", {}, called(one, steps)), cost = h("span", {}, say("cost", { n: price() }));
    const why = one.missing ? say("need", { n: one.missing }) : one.why === "not_eligible" && one.tiers.length ? say("for_tiers", { tiers: one.tiers.join(", ") }) : one.why ? say("gone") : "";
    const more = h("div", { class: "more" });
    const buy = async () => {
      more.replaceChildren(h("p", { role: "status" }, say("loading")));
      try {
        const got = await ask("/redeem", { offer_id: one.id, coin_amount: price(), ...(dynamic ? { step: steps } : {}) }, key);
        said = h("section", { class: "got", tabindex: -1 }, h("p", {}, say("got")), copier(got.code));
        await load();
        draw();
        said.focus();
        tell(`${say("got")} ${got.code}`);
      } catch (error) {
        if (!error.code) {
          more.replaceChildren(h("p", { role: "alert" }, say("failed")), button(say("again"), buy));
          return;
        }
        said = h("section", { class: "got", tabindex: -1 }, h("p", {}, say("changed")));
        await load();
        draw();
        said.focus();
      }
    };
    const sure = () => {
      const yes = button(say("yes"), buy, { class: "main" });
      more.replaceChildren(h("p", {}, say("sure", { n: price() })), h("div", { class: "row" }, yes, button(say("no"), () => { more.replaceChildren(); get.focus(); })));
      yes.focus();
    };
    const get = button(say("get"), sure, { class: "main", "aria-label": `${say("get")}: ${called(one, steps)}`, "data-offer": one.id });
    if (dynamic && one.can) {
      const most = Math.max(steps, Math.min(one.steps_max, Math.floor(data.me.purse.balance.available / one.coins)));
      const slide = h("input", { type: "range", min: one.steps_min, max: most, value: steps, "aria-label": say("choose"), "aria-valuetext": called(one, steps), input: () => {
        steps = Number(slide.value);
        slide.setAttribute("aria-valuetext", called({ ...one, title: "" }, steps));
        name.textContent = called({ ...one, title: "" }, steps);
        cost.textContent = say("cost", { n: price() });
        more.replaceChildren();
      } });
      return row(name, [terms(one)], get, [h("div", { class: "row" }, slide, cost), more]);
    }
    return row(name, [dynamic ? say("cost_steps", { n: price() }) : say("cost", { n: price() }), terms(one), why], one.can && get, more);
  }

  function coupon(one) {
    const good = one.status === "issued";
    return row(called(one), [terms(one), one.expires_at && good && say("until", { date: day(one.expires_at) })], !good && h("span", { class: "tag" }, say({ redeemed: "used" }[one.status] || one.status)), good && copier(one.code));
  }

  const MOVES = { reward: "reward", redeem: "redeem", adjust: "adjust", expire: "expire", revert: "revert", referral: "refer", import: "import" };
  function line(one) {
    const state = say(`is_${one.status}`);
    const takes = one.operation === "dr", coins = h("span", { class: `coins ${one.status === "success" ? "" : "quiet"}`, dir: "ltr" }, `${takes ? "−" : "+"}${number(one.amount)}`);
    return row(one.title || say(MOVES[one.type]), [day(one.created_at), state], coins);
  }

  const TABS = {
    home: () => [
      data.me && data.tiers.length > 0 && ladder(data.me),
      section(say("earn"), list(data.ways.map(way), say("earn_none"))),
      data.me && data.me.referral_link && section(say("referral"), h("p", { class: "quiet" }, say("referral_text")), copier(data.me.referral_link), share(data.me.referral_link)),
      data.me && data.me.to_review.length > 0 && section(say("to_review"), list(data.me.to_review.map((one) => row(one.name, [], away(one.link, say("review"), `${say("review")}: ${one.name}`))))),
    ],
    rewards: () => [
      said,
      section(say("offers"), list(data.offers.map(offer), say("offers_none"))),
      data.me && section(say("coupons"), list(data.me.coupons.map(coupon), say("coupons_none"))),
    ],
    activity: () => [
      section(say("history"), list(data.me.history.map(line), say("history_none"))),
      section(say("orders"), list(data.me.orders.map((one) => row(one.name, [day(one.placed_at), minor(one.amount_minor, one.currency_code)], one.coins_rewarded > 0 && h("span", { class: "tag" }, say("earned", { n: one.coins_rewarded })))), say("orders_none"))),
    ],
  };

  function tabs() {
    const names = Object.keys(TABS).filter((name) => data.me || name !== "activity");
    const go = (name) => { tab = name; said = null; draw(); picked.focus(); };
    const buttons = names.map((name) => button(say(`tab_${name}`), () => go(name), {
      role: "tab", id: `tab-${name}`, "aria-selected": String(name === tab), "aria-controls": "shown", tabindex: name === tab ? 0 : -1,
      keydown: (event) => {
        const key = of(KeyboardEvent, "key", event), by = { ArrowRight: 1, ArrowLeft: -1 }[key];
        const to = key === "Home" ? 0 : key === "End" ? names.length - 1 : by ? names.indexOf(name) + (data.right_to_left ? -by : by) : -1;
        if (names[to]) { call(Event, "preventDefault", event); go(names[to]); }
      },
    }));
    picked = buttons[names.indexOf(tab)];
    return h("div", { role: "tablist", "aria-label": say("title") }, buttons);
  }

  function draw() {
    const me = data.me, logo = data.theme.logo && h("img", { src: data.theme.logo, alt: "", error: () => logo.remove() });
    const head = h("header", {}, logo, h("div", { class: "words" }, h("h2", { id: "title" }, say("title")), me && me.customer && h("p", {}, say("welcome", { name: me.customer }))),
      !whole && h("button", { type: "button", class: "close", "aria-label": say("close"), click: () => panel.close() }, shape(CROSS)));
    inside.replaceChildren(head, me ? balance(me) : h("section", { class: "balance" }, h("p", {}, say("signin"))), tabs(),
      h("div", { role: "tabpanel", id: "shown", "aria-labelledby": `tab-${tab}` }, TABS[tab]().filter(Boolean)), live);
  }

  // ---- where it stands
  function dress(host) {
    const { theme } = data, accent = parseInt(theme.accent.slice(1), 16);
    const [red, green, blue] = [accent >> 16, (accent >> 8) & 255, accent & 255].map((c) => (c /= 255, c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    const light = 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179;
    const own = { accent: theme.accent, on: light ? "#000" : "#fff", round: `${theme.corners}px` };
    const text = `STYLE.in{${Object.entries(own).map(([name, value]) => `--${name}:${value}`).join(";")}}`;
    try {
      const sheet = new parent.CSSStyleSheet();
      call(CSSStyleSheet, "replaceSync", sheet, text);
      root.adoptedStyleSheets = [sheet];
    } catch {
      for (const [name, value] of Object.entries(own)) host.style.setProperty(`--${name}`, value);
      root.append(h("link", { rel: "stylesheet", href: `${base}/widget.css`, nonce: here.nonce || undefined }));
    }
  }

  function open() {
    if (whole || panel.open) return;
    draw();
    panel.showModal();
  }

  // A page of ours has the token in its address: it is taken out of there, and kept for a reload of this tab.
  function keep() {
    try {
      const name = `regulars ${given.shop}`, store = parent.sessionStorage;
      if (token) store.setItem(name, token);
      else if (!given.digest) token = store.getItem(name) || "";
      if (data) parent.history.replaceState(null, "", `?shop=${encodeURIComponent(given.shop)}`);
    } catch { /* where nothing is kept, the address is */ }
  }

  // Of drawings in one place the last stays.
  function alone() {
    for (let n = count(parent) - 1; n >= 0; n--) {
      try { if (parent[n] !== self && parent[n].regularsAt === given.mount) parent[n].frameElement.remove(); } catch { /* of another site */ }
    }
    self.regularsAt = given.mount;
  }

  async function begun() {
    while (!of(Document, "body", page)) await new Promise((go) => setTimeout(go, 20));
    if (given.mount) alone();
    if (given.whole) keep();
    try {
      await load();
    } catch {
      if (!given.whole) return;
      data = { language: "en", words: {}, theme: { accent: "#333333", corners: 8, scheme: "auto" } };
    }
    if (given.whole) keep();
    const host = document.createElement("regulars-rewards"), { theme } = data;
    root = host.attachShadow({ mode: "open" });
    live = h("p", { class: "unseen", role: "status", "aria-live": "polite" });
    inside = h("div", { class: "inside" });
    panel = h(whole ? "div" : "dialog", { class: `panel ${whole ? "whole" : ""}`, "aria-labelledby": "title" }, inside);
    if (!whole) {
      launcher = theme.launcher && h("button", { type: "button", class: "launcher", "aria-haspopup": "dialog", click: open }, shape(GIFT), h("span", {}, say("launcher")));
      panel.addEventListener("click", (event) => { if (of(Event, "target", event) === panel) panel.close(); });
      panel.addEventListener("close", () => { said = null; if (launcher) launcher.focus(); });
      listen(page, "click", (event) => {
        const target = of(Event, "target", event);
        if (target && target.nodeType === 1 && call(Element, "closest", target, "[data-regulars-open]")) { call(Event, "preventDefault", event); open(); }
      });
    }
    root.append(h("div", { class: `in ${theme.scheme} ${theme.side} ${given.whole ? "page" : ""}`, lang: data.language, dir: data.right_to_left ? "rtl" : "ltr" }, launcher, panel));
    if (whole) data.offers ? draw() : inside.append(h("p", { role: "alert" }, given.failed));
    const place = given.mount ? call(Document, "getElementById", page, given.mount) : of(Document, "body", page);
    if (!place) return; // it has gone meanwhile
    call(Node, "appendChild", place, host);
    dress(host); // a sheet is of the document in which the tree stands by now
    if (parent.location.hash === "#regulars") open();
  }

  begun();
})();
