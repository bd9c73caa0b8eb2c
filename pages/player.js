// Plays the frames that the Replay page sends (farzi_core/views/replay_player.py). Scales and colours never change
// between frames. Foreign text enters as textContent or fillText only. The browser alone animates; Python hears of a
// step when the person stops at it.
const LEVELS = 65535, PALE = ["#cdd2d9", "#000000"], NEUTRAL = "#7a7f87", SECONDS = 12;
const players = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  if (!players.has(parentElement)) players.set(parentElement, new Player(parentElement));
  const player = players.get(parentElement);
  player.tell = (step) => setStateValue("step", step);
  player.open(data);
  return () => player.pause();
}

class Player {
  constructor(root) {
    this.at = (id) => root.querySelector(`#${id}`);
    this.calm = window.matchMedia("(prefers-reduced-motion: reduce)");
    this.place = 0; // frame that is drawn; between two whole numbers while it moves
    this.ticking = null;
    this.at("play").onclick = () => (this.ticking ? this.rest() : this.play());
    this.at("back").onclick = () => this.go(Math.floor(this.place) - (this.place % 1 ? 0 : 1), true);
    this.at("next").onclick = () => this.go(Math.floor(this.place) + 1, true);
    this.at("slider").oninput = () => this.go(Number(this.at("slider").value), false);
    this.at("slider").onchange = () => this.rest();
    this.at("map").onpointermove = (event) => this.hint(event);
    this.at("map").onpointerleave = () => (this.at("hint").hidden = true);
    new ResizeObserver(() => this.data && this.draw()).observe(this.at("map"));
  }

  open(data) {
    const same = this.data && this.data.id === data.id;
    this.data = data;
    if (!same) {
      this.pause();
      this.place = data.start;
      this.told = data.steps[data.start];
      this.points = new Uint16Array(Uint8Array.from(atob(data.map.points), (one) => one.charCodeAt(0)).buffer);
      this.at("slider").max = data.steps.length - 1;
      this.at("axes").textContent = `→ ${data.map.axes[0]}; ↑ ${data.map.axes[1]}`;
      this.at("name").textContent = data.strip.name;
      this.rows = data.strip.entropy[0].map((_, position) => this.row(position));
      this.at("strip").replaceChildren(...this.rows.map((row) => row.whole));
    }
    this.draw();
  }

  row(position) {
    const make = (name, kind) => Object.assign(document.createElement(name), { className: kind });
    const [whole, number, bar, entropy, fill, bits] = [make("div", "row"), make("span", ""), make("div", "bar"),
      make("div", "entropy"), make("i", ""), make("span", "")];
    number.textContent = this.data.strip.first + position;
    const parts = this.data.strip.frames[0][position].map(() => make("span", ""));
    bar.append(...parts);
    entropy.append(fill, bits);
    whole.append(number, bar, entropy);
    return { whole, parts, fill, bits };
  }

  play() {
    const last = this.data.steps.length - 1, rate = Math.min(4, Math.max(1, last / SECONDS));
    if (this.place >= last) this.place = 0;
    let before = performance.now(), place = this.place;
    const tick = (now) => {
      place = Math.min(last, place + ((now - before) / 1000) * rate);
      before = now;
      this.place = this.calm.matches ? Math.floor(place) : place;
      this.draw();
      if (place < last) this.ticking = requestAnimationFrame(tick);
      else this.rest();
    };
    this.ticking = requestAnimationFrame(tick);
    this.at("play").textContent = "Pause";
  }

  pause() {
    cancelAnimationFrame(this.ticking);
    this.ticking = null;
    this.at("play").textContent = "Play";
  }

  go(place, told) {
    this.pause();
    this.place = Math.min(this.data.steps.length - 1, Math.max(0, place));
    this.draw();
    if (told) this.rest();
  }

  rest() {
    this.pause();
    this.place = Math.floor(this.place);
    this.draw();
    const step = this.data.steps[this.place];
    clearTimeout(this.telling); // a held arrow key passes many steps; the last one counts
    if (step !== this.told) this.telling = setTimeout(() => this.tell((this.told = step)), 250);
  }

  draw() {
    const frame = Math.floor(this.place), step = this.data.steps[frame], slider = this.at("slider");
    if (Number(slider.value) !== frame) slider.value = frame;
    this.at("where").textContent = `outer step ${step}, snapshot ${frame + 1} of ${this.data.steps.length}`;
    const figure = this.drawCurve(step);
    slider.setAttribute("aria-valuetext", `outer step ${step}, ${figure}`);
    this.drawStrip(frame);
    this.drawMap(frame);
  }

  drawStrip(frame) {
    const { frames, entropy, largest, names, others } = this.data.strip, said = [];
    this.rows.forEach((row, position) => {
      const items = frames[frame][position], bits = entropy[frame][position];
      row.parts.forEach((part, rank) => {
        const [item, share] = items[rank], [fill, ink] = this.data.colours[item] ?? PALE;
        Object.assign(part.style, { width: `${100 * share}%`, background: fill, color: ink });
        part.textContent = share > 0.1 ? names[item] : "";
        part.title = `${names[item]}: ${(100 * share).toFixed(1)} %`;
      });
      row.parts[0].parentElement.title = others;
      row.fill.style.width = `${(100 * bits) / largest}%`;
      row.bits.textContent = bits.toFixed(2);
      said.push(`${position + this.data.strip.first}: ${names[items[0][0]]} ${(100 * items[0][1]).toFixed(0)} %`);
    });
    this.at("strip").setAttribute("aria-label", `${this.data.strip.name}, most probable: ${said.join("; ")}`);
  }

  canvas(id) {
    const one = this.at(id), ratio = window.devicePixelRatio || 1, { clientWidth: width, clientHeight: height } = one;
    if (one.width !== Math.round(width * ratio)) one.width = Math.round(width * ratio);
    if (one.height !== Math.round(height * ratio)) one.height = Math.round(height * ratio);
    const pen = one.getContext("2d"), style = getComputedStyle(one);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = `12px ${style.fontFamily}`;
    return { pen, width, height, ink: style.color };
  }

  // Place of an item in pixels at a frame that may lie between two snapshots; both axes have one scale.
  spot(item, place) {
    const count = this.data.map.titles.length, { scale, left, top, height } = this.view;
    const [before, share] = [Math.floor(place), place % 1], [x, y] = [0, 1].map((axis) => {
      const one = this.points[2 * (before * count + item) + axis];
      return share ? one + share * (this.points[2 * ((before + 1) * count + item) + axis] - one) : one;
    });
    return [left + (x / LEVELS) * scale[0], height - top - (y / LEVELS) * scale[1]];
  }

  drawMap(frame) {
    const { pen, width, height, ink } = this.canvas("map"), [across, up] = this.data.map.shape;
    const unit = Math.min(width / across, height / up), scale = [across * unit, up * unit];
    this.view = { scale, left: (width - scale[0]) / 2, top: (height - scale[1]) / 2, height };
    const { colours, strip, map } = this.data, count = map.titles.length;
    const disc = (item, radius, place = this.place) => {
      const [x, y] = this.spot(item, place);
      pen.beginPath();
      pen.arc(x, y, radius, 0, 2 * Math.PI);
      return [x, y];
    };
    pen.fillStyle = NEUTRAL;
    pen.globalAlpha = 0.45;
    for (let item = 0; item < count; item++) if (!colours[item]) disc(item, 2.5), pen.fill();
    pen.globalAlpha = 1;
    const taken = [];
    for (const [item, [fill]] of Object.entries(colours)) if (item < count) {
      const [x, y] = this.trail(pen, Number(item), fill, disc);
      pen.fillStyle = ink;
      this.label(pen, strip.names[item].slice(0, 24), x, y, width, taken);
    }
    pen.strokeStyle = ink;
    for (const item of new Set(strip.frames[frame].map((one) => one[0][0]))) if (item < count) disc(item, 8), pen.stroke();
    this.at("map").setAttribute("aria-label",
      `Map of ${count} items at outer step ${this.data.steps[frame]}; the items of the strip are coloured, with the way they came`);
  }

  trail(pen, item, fill, disc) {
    pen.strokeStyle = pen.fillStyle = fill;
    pen.beginPath();
    for (let place = 0; place < this.place; place++) pen.lineTo(...this.spot(item, place));
    pen.lineTo(...this.spot(item, this.place));
    pen.stroke();
    const where = disc(item, 5);
    pen.fill();
    return where;
  }

  // A name beside its disc, inside the picture, and only where no other name stands.
  label(pen, name, x, y, width, taken) {
    const long = pen.measureText(name).width, left = x + 8 + long > width ? x - 8 - long : x + 8;
    if (taken.some((one) => Math.abs(one.y - y) < 13 && left < one.right && one.left < left + long)) return;
    taken.push({ y, left, right: left + long });
    pen.fillText(name, left, y - 6);
  }

  drawCurve(step) {
    const { pen, width, height, ink } = this.canvas("curve"), { steps, values, shown, ends, range, last, label } = this.data.curve;
    pen.textAlign = "left";
    const edge = 16 + Math.max(0, ...ends.map(([, words]) => pen.measureText(words).width));
    const x = (one) => edge + ((width - edge - 8) * one) / Math.max(1, last), y = (one) =>
      height - 18 - ((height - 30) * (one - range[0])) / (range[1] - range[0]);
    pen.fillStyle = ink;
    for (const [value, words] of ends) pen.fillText(words, 6, y(value) + 4);
    pen.fillText("0", edge - 3, height - 4);
    pen.strokeStyle = pen.fillStyle = "#d55e00";
    pen.lineWidth = 2;
    pen.beginPath();
    values.forEach((value, place) => pen.lineTo(x(steps[place]), y(value)));
    pen.stroke();
    values.forEach((value, place) => (pen.beginPath(), pen.arc(x(steps[place]), y(value), 3, 0, 7), pen.fill()));
    pen.strokeStyle = pen.fillStyle = ink;
    pen.lineWidth = 1;
    pen.strokeRect(x(step), 0, 0, height - 16);
    pen.textAlign = "right";
    pen.fillText(`outer step ${last}`, width - 4, height - 4);
    const known = steps.filter((one) => one <= step).length - 1;
    const figure = known < 0 ? `${label}: not measured yet` : `${label}: ${shown[known]} (step ${steps[known]})`;
    this.at("figure").textContent = figure;
    this.at("curve").setAttribute("aria-label", `Validation curve. ${figure}`);
    return figure;
  }

  hint(event) {
    const hint = this.at("hint"), frame = this.place;
    let best = -1, least = 100;
    for (let item = 0; item < this.data.map.titles.length; item++) {
      const [x, y] = this.spot(item, frame), far = (x - event.offsetX) ** 2 + (y - event.offsetY) ** 2;
      if (far < least) [best, least] = [item, far];
    }
    hint.hidden = best < 0;
    if (best < 0) return;
    hint.textContent = this.data.map.titles[best];
    Object.assign(hint.style, { left: `${Math.min(event.offsetX + 10, event.target.clientWidth - 120)}px`, top: `${event.offsetY + 10}px` });
  }
}
