// The report's only program: it zooms the timeline, shows what is under the pointer, and goes from moment to moment by keys.
"use strict";
(() => {
  const timeline = document.getElementById("timeline");
  const total = Number(timeline.dataset.seconds);
  const find = (selector) => [...document.querySelectorAll(selector)];
  const [cursor, chosen, tip, says] = ["cursor", "chosen", "tip", "says"].map((id) => document.getElementById(id));
  const inner = find("#timeline svg.time");
  const rows = find("#timeline svg.row");
  const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400];
  const SHORTEST = Math.min(0.5, total); // seconds that are shown at least
  let from = 0;
  let to = total;
  let moment = -1; // the moment that the keyboard is at
  let pressed = null; // where the pointer was pressed, in seconds

  const told = (seconds, digits) => {
    if (Math.abs(seconds) < 60 || digits > 1) return `${Number(seconds.toFixed(digits))} s`;
    const whole = Math.round(seconds);
    const two = (number) => String(number).padStart(2, "0");
    const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
    return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
  };

  // A span's title is what its tooltip shows: ours comes at once, the browser's own only after a while.
  for (const title of find("#timeline title")) {
    title.parentNode.dataset.tip = title.textContent;
    title.remove();
  }

  // Where something begins, for the keyboard.
  const moments = find("#timeline [data-tip]")
    .filter((each) => !each.classList.contains("answers"))
    .map((each) => ({ at: (Number.parseFloat(each.getAttribute("x")) / 100) * total, each }))
    .sort((a, b) => a.at - b.at);
  const texts = find("#timeline .span text, #timeline .outage text").map((text) => ({
    text, indent: Number(text.getAttribute("x")), begin: (Number.parseFloat(text.parentNode.getAttribute("x")) / 100) * total,
  }));
  const rowOf = (each) => each.closest(".lane").querySelector(".name").firstChild.textContent;

  const drawAxis = () => {
    const axis = timeline.querySelector(".axis .time");
    const fits = Math.max(3, axis.ownerSVGElement.clientWidth / 90);
    const step = STEPS.find((each) => (to - from) / each <= fits) || (to - from) / fits;
    axis.replaceChildren();
    for (let number = Math.ceil(from / step); number * step <= to + step / 1000; number++) {
      const tick = document.createElementNS("http://www.w3.org/2000/svg", "text");
      tick.textContent = told(number * step, step < 0.1 ? 2 : 1);
      tick.setAttribute("class", "tick");
      tick.setAttribute("x", `${((number * step) / total) * 100}%`);
      tick.setAttribute("y", "15");
      if ((number * step - from) / (to - from) > 0.96) tick.classList.add("end");
      axis.append(tick);
    }
  };

  const show = (begin, end) => {
    const span = Math.min(total, Math.max(SHORTEST, end - begin));
    from = Math.max(0, Math.min(begin, total - span));
    to = from + span;
    for (const each of inner) {
      each.setAttribute("x", `${(-from / span) * 100}%`);
      each.setAttribute("width", `${(total / span) * 100}%`);
    }
    for (const each of texts) { // what is written on a block stays in sight as long as the block does
      const hidden = ((from - each.begin) / span) * track().width;
      each.text.setAttribute("x", Math.max(each.indent, hidden + each.indent));
    }
    drawAxis();
    hide();
  };
  const zoom = (factor, around = (from + to) / 2) => {
    const span = Math.min(total, Math.max(SHORTEST, (to - from) * factor));
    const begin = around - ((around - from) / (to - from)) * span;
    show(begin, begin + span);
  };
  const pan = (share) => show(from + share * (to - from), to + share * (to - from));

  const track = () => rows[0].getBoundingClientRect();
  const secondsAt = (x) => from + ((x - track().left) / track().width) * (to - from);
  const placeOf = (seconds) => track().left - timeline.getBoundingClientRect().left + ((seconds - from) / (to - from)) * track().width;
  const inside = (seconds) => Math.min(to, Math.max(from, seconds));
  const hide = () => { cursor.hidden = tip.hidden = true; };

  const pointAt = (row, seconds) => {
    if (!row.points) row.points = row.dataset.points.split(";").map((each) => each.split(","));
    const found = row.points.find(([begin, end]) => begin <= seconds && seconds < end);
    if (!found) return "no sample";
    const [, , good, bad, low, high] = found;
    const answered = high ? `${low === high ? low : `${low}–${high}`} ms` : "";
    return [answered, `${good} good`, bad === "0" ? "" : `${bad} without a good answer`].filter(Boolean).join(" · ");
  };
  const point = (seconds, y, text) => {
    const place = placeOf(seconds);
    cursor.hidden = tip.hidden = false;
    cursor.style.left = `${place}px`;
    tip.textContent = text;
    const width = Math.min(340, timeline.clientWidth);
    tip.style.left = `${Math.max(4, Math.min(place + 12, timeline.clientWidth - width - 4))}px`;
    tip.style.top = `${y + 18}px`;
  };

  const hover = (event) => {
    const row = event.target.closest("svg.row");
    if (pressed !== null) {
      const [a, b] = [pressed, inside(secondsAt(event.clientX))].sort((x, y) => x - y);
      chosen.hidden = false;
      chosen.style.left = `${placeOf(a)}px`;
      chosen.style.width = `${placeOf(b) - placeOf(a)}px`;
    }
    const seconds = secondsAt(event.clientX);
    if (seconds < from || seconds > to) return hide();
    const block = event.target.closest("[data-tip]");
    const said = [told(seconds, to - from < 20 ? 2 : 1)];
    if (block) said.push(block.dataset.tip);
    if (row && row.dataset.points) said.push(pointAt(row, seconds));
    point(seconds, event.clientY - timeline.getBoundingClientRect().top, said.join(" · "));
  };
  timeline.addEventListener("pointermove", hover);
  timeline.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") hide(); });
  timeline.addEventListener("pointerdown", (event) => {
    const seconds = secondsAt(event.clientX);
    if (event.pointerType !== "mouse") hover(event); // a finger that taps does not move
    if (event.pointerType !== "mouse" || event.button !== 0 || seconds < from || seconds > to) return;
    pressed = seconds;
    event.preventDefault();
    timeline.focus({ preventScroll: true });
  });
  window.addEventListener("pointerup", (event) => {
    if (pressed === null) return;
    const [a, b] = [pressed, inside(secondsAt(event.clientX))].sort((x, y) => x - y);
    pressed = null;
    chosen.hidden = true;
    if (placeOf(b) - placeOf(a) > 5) show(a, b);
  });
  timeline.addEventListener("dblclick", () => show(0, total));
  timeline.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return; // else it scrolls the page
    event.preventDefault();
    zoom(event.deltaY > 0 ? 1.25 : 0.8, inside(secondsAt(event.clientX)));
  }, { passive: false });

  const goTo = (number) => {
    if (!moments.length) return;
    moment = Math.max(0, Math.min(moments.length - 1, number));
    const { at, each } = moments[moment];
    if (at < from || at > to) show(at - (to - from) / 2, at + (to - from) / 2);
    const text = `${rowOf(each)}: ${each.dataset.tip}`;
    const top = each.getBoundingClientRect().top - timeline.getBoundingClientRect().top;
    point(at, Math.max(0, top), text);
    says.textContent = text;
  };
  const acts = {
    in: () => zoom(0.5), out: () => zoom(2), earlier: () => pan(-0.25), later: () => pan(0.25), all: () => show(0, total),
    copy: async () => {
      await navigator.clipboard.writeText(document.getElementById("command").textContent);
      says.textContent = "The command was copied.";
    },
  };
  const around = () => (moment >= 0 ? inside(moments[moment].at) : (from + to) / 2);
  timeline.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const keys = {
      "+": () => zoom(0.5, around()), "=": () => zoom(0.5, around()), "-": () => zoom(2, around()),
      0: acts.all, Home: () => goTo(0), End: () => goTo(moments.length - 1),
      Escape: () => { hide(); says.textContent = ""; },
      ArrowRight: () => (event.shiftKey ? pan(0.25) : goTo(moment + 1)),
      ArrowLeft: () => (event.shiftKey ? pan(-0.25) : goTo(moment - 1)),
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  for (const button of find("button[data-do]")) button.addEventListener("click", () => acts[button.dataset.do]());
  for (const each of find(".tools, .keys")) each.hidden = false;
  const copy = document.querySelector('[data-do="copy"]');
  if (copy && navigator.clipboard) copy.hidden = false; // not where the file is opened without a secure context

  window.addEventListener("resize", drawAxis);
  let before = null;
  window.addEventListener("beforeprint", () => { before = [from, to]; show(0, total); });
  window.addEventListener("afterprint", () => { if (before) show(...before); });
  drawAxis();
})();
