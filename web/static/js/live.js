// The live stream: connects again by itself, says so when what is shown may be old, asks every ten seconds when it cannot
// listen. Elements fetch their own parts (hx-trigger="sse:call, refresh from:body"); this file only says when.
(function () {
  "use strict";
  const body = document.body;
  const stateAddress = body.dataset.liveState;
  if (!stateAddress || !window.EventSource || !window.htmx) return;

  const SILENCE = 7000, ASK_EVERY = 10000, HIDDEN_FOR = 60000;
  const banner = document.getElementById("stale");
  const keep = body.dataset.keepStream === "yes";
  let heardAt = Date.now(), askedAt = Date.now(), hiddenAt = 0, coreUp = null, since = null, byAsking = false;

  function refresh() { htmx.trigger(body, "refresh"); }

  // a part that was being replaced just then has missed an event: once it is quiet, all look again
  const TOLD = ["call", "agent", "phones", "trunk", "message", "outbox", "config"];
  let quiet = 0;
  function toldSomething() {
    window.clearTimeout(quiet);
    quiet = window.setTimeout(refresh, 900);
  }

  function at(time) {
    const options = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: body.dataset.timezone };
    try { return new Date(time).toLocaleTimeString(document.documentElement.lang, options); }
    catch (error) { return new Date(time).toLocaleTimeString(); }
  }

  function show(kind, time) {
    const text = (kind === "core" ? banner.dataset.text : banner.dataset.lost).replace("{time}", at(time));
    if (banner.textContent !== text) banner.textContent = text;
    banner.hidden = false;
    body.classList.add("is-stale");
  }

  function hide() {
    if (banner.hidden && !body.classList.contains("is-stale")) return;
    banner.hidden = true;
    body.classList.remove("is-stale");
    refresh();
  }

  function decide() {
    const silent = Date.now() - heardAt > SILENCE && !byAsking;
    if (silent) show("connection", heardAt);
    else if (coreUp === false) show("core", since || heardAt);
    else if (coreUp === true) hide();
  }

  function core(up, when) {
    coreUp = up;
    if (!up) since = when || since || Date.now();
    else since = null;
    decide();
  }

  class SteadyStream {
    constructor(address) {
      this.address = address;
      this.listeners = [];
      this.readyState = 0;
      this.onopen = this.onerror = null;
      this.opened = false;
      this.connect();
    }
    connect() {
      window.clearTimeout(this.timer);
      if (this.source) this.source.close();
      const source = this.source = new EventSource(this.address, { withCredentials: true });
      const heard = () => { heardAt = Date.now(); byAsking = false; };
      source.onopen = (event) => {
        heard();
        this.readyState = 1;
        if (this.opened) refresh(); // what happened meanwhile was missed
        this.opened = true;
        if (this.onopen) this.onopen(event);
      };
      source.onerror = () => {
        this.readyState = 0;
        if (source.readyState === EventSource.CLOSED) this.timer = window.setTimeout(() => this.connect(), 3000);
      };
      source.addEventListener("beat", heard);
      source.addEventListener("core", (event) => { heard(); const told = JSON.parse(event.data); core(told.up, told.since); });
      source.addEventListener("signed-out", () => { source.close(); window.location.reload(); });
      for (const name of TOLD) source.addEventListener(name, () => { heard(); toldSomething(); });
      for (const [name, listener] of this.listeners) source.addEventListener(name, listener);
    }
    addEventListener(name, listener) {
      this.listeners.push([name, listener]);
      this.source.addEventListener(name, listener);
    }
    removeEventListener(name, listener) {
      this.listeners = this.listeners.filter(([n, l]) => n !== name || l !== listener);
      this.source.removeEventListener(name, listener);
    }
    pause() { window.clearTimeout(this.timer); this.source.close(); }
    close() { this.pause(); this.readyState = 2; }
  }

  let steady = null;
  htmx.createEventSource = (address) => {
    if (steady) steady.close();
    steady = new SteadyStream(address);
    return steady;
  };

  async function ask() {
    askedAt = Date.now();
    try {
      const answer = await fetch(stateAddress, { headers: { Accept: "application/json" }, cache: "no-store" });
      if (answer.redirected || answer.status === 401) { window.location.reload(); return; }
      if (!answer.ok) throw new Error(String(answer.status));
      const told = await answer.json();
      byAsking = true;
      heardAt = Date.now();
      core(told.up, told.since);
      refresh();
    } catch (error) {
      byAsking = false;
      decide();
    }
  }

  window.setInterval(() => {
    if (document.hidden && !keep) return;
    const silent = Date.now() - heardAt > SILENCE;
    if ((silent || byAsking) && Date.now() - askedAt > ASK_EVERY) ask();
    decide();
  }, 1000);

  document.addEventListener("visibilitychange", () => {
    if (keep || !steady) return;
    if (document.hidden) {
      hiddenAt = Date.now();
      window.setTimeout(() => { if (document.hidden && Date.now() - hiddenAt >= HIDDEN_FOR - 100) steady.pause(); }, HIDDEN_FOR);
    } else {
      if (Date.now() - hiddenAt >= HIDDEN_FOR - 100) { heardAt = Date.now(); steady.connect(); }
      refresh();
    }
  });
  window.addEventListener("online", () => { if (steady) steady.connect(); });
  window.addEventListener("pagehide", () => { if (steady) steady.pause(); });
  window.addEventListener("pageshow", (event) => { if (event.persisted && steady) { steady.connect(); refresh(); } });
})();

// Parts that have not changed are left alone; one in which somebody types waits until they leave it.
(function () {
  "use strict";
  if (!window.htmx) return;
  const last = new Map();

  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, xhr, requestConfig } = event.detail;
    if (!target || !target.id || !requestConfig || requestConfig.verb !== "get" || requestConfig.elt !== target) return;
    if (xhr.status !== 200) { event.detail.shouldSwap = false; return; }
    const text = xhr.responseText, active = document.activeElement;
    if (last.get(target.id) === text && target.isConnected) { event.detail.shouldSwap = false; return; }
    const typing = active && target.contains(active) && active.matches("input:not([type=checkbox]), textarea, select");
    if (typing) {
      const fresh = new DOMParser().parseFromString(text, "text/html").getElementById(target.id);
      if (fresh && (fresh.dataset.key || "") === (target.dataset.key || "")) {
        event.detail.shouldSwap = false;
        active.addEventListener("blur", () => window.htmx.trigger(document.body, "refresh"), { once: true });
        return;
      }
    }
    last.set(target.id, text);
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const { requestConfig, target } = event.detail;
    if (requestConfig && requestConfig.verb !== "get" && target && target.id) last.delete(target.id);
  });

  // how long somebody waits or talks, by the second
  const lang = document.documentElement.lang;
  function tick() {
    for (const place of document.querySelectorAll("[data-ticks]")) {
      const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(place.dataset.ticks)) / 1000));
      const two = (n) => new Intl.NumberFormat(lang, { minimumIntegerDigits: 2, useGrouping: false }).format(n);
      const one = (n) => new Intl.NumberFormat(lang, { useGrouping: false }).format(n);
      const text = seconds >= 3600
        ? one(Math.floor(seconds / 3600)) + ":" + two(Math.floor(seconds / 60) % 60) + ":" + two(seconds % 60)
        : one(Math.floor(seconds / 60)) + ":" + two(seconds % 60);
      if (place.textContent !== text) place.textContent = text;
    }
  }
  if (document.querySelector(".live")) { window.setInterval(tick, 1000); }
})();
