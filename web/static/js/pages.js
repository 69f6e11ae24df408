// Small comforts; every page works without them.
(function () {
  "use strict";

  // the player: speed, ten seconds back and on
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-player-skip], [data-player-speed]");
    if (!button) return;
    const player = button.closest(".player");
    const audio = player && player.querySelector("audio");
    if (!audio) return;
    if (button.dataset.playerSkip) {
      const skip = () => {
        audio.currentTime = Math.max(0, Math.min(audio.duration || 1e9, audio.currentTime + Number(button.dataset.playerSkip)));
      };
      if (audio.readyState) { skip(); return; }
      // nothing is fetched before somebody wants to listen: each fetch is written down as a playing
      audio.addEventListener("loadedmetadata", skip, { once: true });
      audio.preload = "metadata";
      audio.load();
      return;
    }
    audio.playbackRate = audio.defaultPlaybackRate = Number(button.dataset.playerSpeed);
    for (const other of player.querySelectorAll("[data-player-speed]"))
      other.setAttribute("aria-pressed", String(other === button));
  });

  // a form that was sent is not sent twice by an impatient finger
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented || form.hasAttribute("hx-post")) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    window.setTimeout(() => { delete form.dataset.sent; }, 8000);
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });

  // the browser knows its time zone
  const zone = document.querySelector("[data-guess=timezone]");
  if (zone && !zone.value) {
    const guess = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (guess) zone.value = guess;
  }

  // a filter works as soon as it is chosen
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-at-once]");
    if (form) form.requestSubmit();
  });

  // copy a secret
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button || !navigator.clipboard) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = button.dataset.copied;
  });
  if (navigator.clipboard) for (const button of document.querySelectorAll("[data-copy][hidden]")) button.hidden = false;

  // the first mistake gets the cursor
  const wrong = document.querySelector("[aria-invalid=true]");
  if (wrong) wrong.focus();
})();

// listen to a typed text without leaving the page
(function () {
  "use strict";
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-listen]");
    if (!button || !window.fetch) return;
    event.preventDefault();
    const form = button.form, audio = form.querySelector("[data-listen-here]");
    const data = new FormData(form);
    data.delete("sound");
    button.disabled = true;
    try {
      const answer = await fetch(button.getAttribute("formaction"), { method: "POST", body: data, headers: { "HX-Request": "true" } });
      if (!answer.ok) { document.getElementById("notices").innerHTML = await answer.text(); return; }
      audio.src = URL.createObjectURL(await answer.blob());
      audio.hidden = false;
      await audio.play();
    } catch (error) {
      audio.hidden = false;
    } finally {
      button.disabled = false;
    }
  });
})();
