// The console: the message form that comes with a call, drafts that survive a lost connection, and keys.
(function () {
  "use strict";
  const notes = document.getElementById("notes");
  if (!notes || !window.htmx) return;
  const user = notes.dataset.user;
  const prefix = "frontdesk-draft:" + user + ":";
  const title = document.title;
  const FIELDS = ["for_whom", "from_name", "callback_number", "body", "urgency"];
  const timers = new WeakMap();

  // --- drafts: kept on the box as they are typed, in this browser while the box cannot be reached

  function local(call, value) {
    try {
      if (value === undefined) return JSON.parse(localStorage.getItem(prefix + call) || "null");
      if (value === null) localStorage.removeItem(prefix + call);
      else localStorage.setItem(prefix + call, JSON.stringify(value));
    } catch (error) { /* storage is full or forbidden: the box keeps the draft anyway */ }
    return null;
  }

  function values(form) {
    const data = new FormData(form), found = {};
    for (const name of FIELDS) found[name] = data.get(name) || "";
    return found;
  }

  function body(form, fields, version) {
    const data = new URLSearchParams(fields);
    data.set("version", version);
    data.set("csrf_token", form.querySelector("[name=csrf_token]").value);
    return data;
  }

  function say(form, good) {
    const place = form.querySelector(".draft-state");
    place.textContent = good ? form.dataset.kept : form.dataset.notKept;
    place.classList.toggle("bad", !good);
  }

  async function keep(form) {
    window.clearTimeout(timers.get(form));
    const version = form.dataset.version;
    if (form.dataset.keptVersion === version || form.dataset.sending === version) return;
    form.dataset.sending = version;
    try {
      const answer = await fetch(form.dataset.draft, {
        method: "POST", body: body(form, values(form), version), headers: { "X-Requested-By": "draft" },
      });
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      await answer.json();
      if (form.dataset.version === version) {
        form.dataset.keptVersion = version;
        local(form.dataset.call, null);
      }
      say(form, true);
    } catch (error) {
      say(form, false);
      timers.set(form, window.setTimeout(() => keep(form), 3000));
    } finally {
      if (form.dataset.sending === version) delete form.dataset.sending;
    }
  }

  function typed(form) {
    const version = String(Math.max(Date.now(), Number(form.dataset.version) + 1));
    form.dataset.version = version;
    form.querySelector("[name=version]").value = version;
    local(form.dataset.call, { fields: values(form), version: version });
    window.clearTimeout(timers.get(form));
    timers.set(form, window.setTimeout(() => keep(form), 350));
  }

  function noteOf(event) { return event.target.closest && event.target.closest("form.note"); }
  document.addEventListener("input", (event) => { const form = noteOf(event); if (form) typed(form); });
  document.addEventListener("focusout", (event) => {
    const form = noteOf(event);
    if (form && form.dataset.keptVersion !== form.dataset.version && local(form.dataset.call)) keep(form);
  });
  window.addEventListener("pagehide", () => {
    for (const form of notes.querySelectorAll("form.note")) {
      if (!local(form.dataset.call)) continue;
      navigator.sendBeacon(form.dataset.draft, body(form, values(form), form.dataset.version));
    }
  });
  window.addEventListener("online", () => { for (const form of notes.querySelectorAll("form.note")) if (local(form.dataset.call)) keep(form); });

  function take(form) { // a form that has come onto the page: what this browser kept and the box has not is put back
    if (form.dataset.taken) return;
    form.dataset.taken = "1";
    const kept = local(form.dataset.call);
    if (!kept) return;
    if (Number(kept.version) <= Number(form.dataset.version)) { local(form.dataset.call, null); return; }
    for (const name of FIELDS) {
      const field = form.elements[name];
      if (field.type === "checkbox") field.checked = kept.fields[name] === "urgent";
      else field.value = kept.fields[name];
    }
    form.dataset.version = kept.version;
    form.querySelector("[name=version]").value = kept.version;
    keep(form);
  }

  // --- the form comes with the call

  function current() { return document.getElementById("card"); }

  function follow() {
    const card = current();
    if (!card) return;
    document.title = card.dataset.state === "ringing" ? "☎ " + card.dataset.title + " · " + title : title;
    const call = card.dataset.call, address = card.dataset.note;
    if (!address || document.getElementById("note-" + call) || notes.dataset.asked === call) return;
    notes.dataset.asked = call;
    htmx.ajax("GET", address, { target: "#notes", swap: "afterbegin" }).then(() => {
      const form = document.getElementById("note-" + call);
      if (!form) return;
      for (const other of notes.querySelectorAll("form.note"))
        if (other !== form && other.dataset.version === "0" && !local(other.dataset.call)) other.remove();
      const active = document.activeElement;
      if (!active || active === document.body || !active.matches("input, textarea, select")) form.querySelector("[data-first]").focus();
    });
  }

  document.addEventListener("htmx:afterSettle", () => {
    for (const form of notes.querySelectorAll("form.note")) take(form);
    for (const closed of notes.querySelectorAll("[data-closed-note]")) local(closed.dataset.closedNote, null);
    follow();
  });
  document.addEventListener("click", (event) => { // a form that is there already is not fetched again
    const link = event.target.closest("[data-new-note]");
    const form = link && document.getElementById("note-" + current().dataset.call);
    if (!form) return;
    event.preventDefault();
    event.stopPropagation();
    form.querySelector("[data-first]").focus();
  }, true);

  // --- keys

  const keys = document.getElementById("keys"), button = document.getElementById("show-keys");
  button.hidden = false;
  button.addEventListener("click", () => keys.showModal());

  document.addEventListener("keydown", (event) => {
    const field = event.target.matches("input, textarea, select");
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      const form = event.target.closest("form.note") || notes.querySelector("form.note");
      if (form) { event.preventDefault(); form.requestSubmit(); }
      return;
    }
    if (event.key === "Escape" && field) { event.target.blur(); return; }
    if (field || event.ctrlKey || event.altKey || event.metaKey || keys.open) return;
    const to = (element) => { if (element) { event.preventDefault(); element.focus(); } };
    if (event.key === "?") { event.preventDefault(); keys.showModal(); }
    else if (event.code === "KeyM") to(notes.querySelector("[data-first]"));
    else if (event.code === "KeyT") to(document.getElementById("target"));
    else if (/^Digit[123]$/.test(event.code)) {
      const chosen = document.querySelector('#my-status [data-key="' + event.code.slice(5) + '"]');
      if (chosen) { event.preventDefault(); chosen.click(); }
    }
  });

  for (const form of notes.querySelectorAll("form.note")) take(form);
  follow();
})();
