//! Draws the threads over time on the page, and lets the reader zoom.

"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const canvas = document.getElementById("time");
  const tip = document.getElementById("tip");
  const pen = canvas.getContext("2d");
  const LEFT = 150, TOP = 28, LANE = 34, BOX = 22;
  const MIN_SPAN = 50;

  // The time that is seen.
  const first = data.polls.reduce((first, poll) => Math.min(first, poll[1]), data.now);
  const whole = { from: first, to: Math.max(data.now, first + MIN_SPAN) };
  let view = { ...whole };

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const isDark = matchMedia("(prefers-color-scheme: dark)");
  const hue = (task) => (task * 137.508) % 360;
  const fill = (task) => `hsl(${hue(task)} 55% ${isDark.matches ? 45 : 62}%)`;

  const say = (nanoseconds) => {
    for (const [unit, name] of [[1e9, "s"], [1e6, "ms"], [1e3, "µs"]]) {
      if (Math.abs(nanoseconds) >= unit) return `${+(nanoseconds / unit).toPrecision(4)} ${name}`;
    }
    return `${Math.round(nanoseconds)} ns`;
  };
  const width = () => canvas.clientWidth - LEFT - 8;
  const x = (time) => LEFT + ((time - view.from) / (view.to - view.from)) * width();
  const time = (x) => view.from + ((x - LEFT) / width()) * (view.to - view.from);
  const y = (lane) => TOP + lane * LANE + (LANE - BOX) / 2;

  function axis(height) {
    const rough = (view.to - view.from) / Math.max(2, width() / 130);
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
    pen.textAlign = "center";
    for (let at = Math.ceil(view.from / step) * step; at <= view.to; at += step) {
      const place = Math.round(x(at)) + 0.5;
      if (place < LEFT + 24) continue;
      pen.strokeStyle = colour("--rule");
      pen.beginPath();
      pen.moveTo(place, TOP - 6);
      pen.lineTo(place, height);
      pen.stroke();
      pen.fillStyle = colour("--soft");
      pen.fillText(say(at), place, TOP - 12);
    }
  }

  function lanes(height) {
    pen.fillStyle = colour("--bg");
    pen.fillRect(0, 0, LEFT - 1, height);
    pen.textAlign = "right";
    pen.fillStyle = colour("--fg");
    data.lanes.forEach((name, lane) => {
      const short = name.length > 18 ? name.slice(0, 17) + "…" : name;
      pen.fillText(short, LEFT - 10, y(lane) + BOX / 2 + 4);
    });
  }

  function polls() {
    const last = [];
    pen.textAlign = "left";
    for (const [lane, start, length, task] of data.polls) {
      if (start + length < view.from || start > view.to) continue;
      const left = x(start), right = Math.max(x(start + length), left + 1);
      // One that lies within a pixel that is drawn already is not seen.
      if (right <= last[lane]) continue;
      last[lane] = Math.ceil(right);
      pen.fillStyle = fill(task);
      pen.fillRect(left, y(lane), right - left, BOX);
      if (right - left > 44) {
        pen.save();
        pen.beginPath();
        pen.rect(left, y(lane), right - left - 3, BOX);
        pen.clip();
        pen.fillStyle = isDark.matches ? "#fff" : "#111";
        pen.fillText(data.tasks[task], Math.max(left, LEFT) + 5, y(lane) + BOX / 2 + 4);
        pen.restore();
      }
    }
  }

  function messages() {
    const seen = data.messages.filter((m) => m[3] >= view.from && m[1] <= view.to);
    if (seen.length > 600) return;
    pen.strokeStyle = pen.fillStyle = colour("--accent");
    for (const [from, sent, to, received] of seen) {
      const [x1, x2] = [x(sent), x(received)];
      const y1 = y(from) + (from <= to ? BOX : 0), y2 = y(to) + (from < to ? 0 : BOX);
      const bend = from === to ? Math.min(12, 4 + Math.abs(x2 - x1) / 8) : 0;
      pen.beginPath();
      pen.moveTo(x1, y1);
      pen.quadraticCurveTo((x1 + x2) / 2, (y1 + y2) / 2 + bend, x2, y2);
      pen.stroke();
      pen.beginPath();
      pen.arc(x2, y2, 2.2, 0, 7);
      pen.fill();
    }
  }

  function draw() {
    const height = TOP + data.lanes.length * LANE + 8;
    const scale = devicePixelRatio || 1;
    canvas.style.height = `${height}px`;
    canvas.width = Math.round(canvas.clientWidth * scale);
    canvas.height = Math.round(height * scale);
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.font = "12px system-ui, sans-serif";
    pen.clearRect(0, 0, canvas.clientWidth, height);
    axis(height);
    polls();
    messages();
    lanes(height);
  }

  function show(from, to) {
    const span = Math.min(Math.max(to - from, MIN_SPAN), whole.to - whole.from);
    from = Math.min(Math.max(from, whole.from), whole.to - span);
    view = { from, to: from + span };
    draw();
  }

  function zoom(factor, at) {
    show(at - (at - view.from) * factor, at + (view.to - at) * factor);
  }

  const middle = () => (view.from + view.to) / 2;
  document.getElementById("in").onclick = () => zoom(0.5, middle());
  document.getElementById("out").onclick = () => zoom(2, middle());
  document.getElementById("all").onclick = () => show(whole.from, whole.to);
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(event.deltaY * 0.002), time(event.offsetX));
  }, { passive: false });

  let grip = null;
  canvas.onpointerdown = (event) => {
    grip = { x: event.offsetX, ...view };
    canvas.setPointerCapture(event.pointerId);
  };
  canvas.onpointerup = canvas.onpointercancel = () => { grip = null; };
  canvas.onpointerleave = () => { tip.style.display = "none"; };
  canvas.onpointermove = (event) => {
    if (grip) {
      const by = ((event.offsetX - grip.x) / width()) * (grip.to - grip.from);
      show(grip.from - by, grip.to - by);
      return;
    }
    const at = time(event.offsetX), slack = (view.to - view.from) / width();
    const lane = Math.floor((event.offsetY - TOP) / LANE);
    const found = event.offsetX > LEFT && data.polls.find(([on, start, length]) =>
      on === lane && start - slack <= at && at <= start + length + slack);
    tip.style.display = found ? "block" : "none";
    if (found) {
      const [, start, length, task] = found;
      tip.textContent = `${data.tasks[task]}\n${say(length)}, from ${say(start)} on`;
      tip.style.left = `${Math.min(event.clientX + 14, innerWidth - 300)}px`;
      tip.style.top = `${event.clientY + 14}px`;
    }
  };

  for (const row of document.querySelectorAll("tr[data-start]")) {
    const [start, took] = [+row.dataset.start, +row.dataset.took];
    const go = () => {
      show(start - took, start + 2 * took);
      canvas.scrollIntoView({ block: "nearest" });
    };
    row.onclick = go;
    row.onkeydown = (event) => { if (event.key === "Enter") go(); };
  }
  for (const element of document.querySelectorAll("time[data-at]")) {
    element.textContent = new Date(element.dataset.at * 1000).toLocaleString();
  }
  isDark.addEventListener("change", draw);
  addEventListener("resize", draw);
  draw();
})();
