"use strict";
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5cc7", "#8c8c00"];
const values = Object.fromEntries(SIZES.map((size) => [size.name, BigInt(size.start)]));
const $ = (id) => document.getElementById(id);
const made = (name, attributes, ...children) => {
  const svg = ["svg", "g", "path", "line", "rect", "circle", "text", "title"].includes(name);
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
  node.append(...children);
  return node;
};

/* Exact values: integers and fractions as text, doubles as numbers, several in a list. */
const exact = (x) => Array.isArray(x) ? "(" + x.map(exact).join(", ") + ")" : String(x);
const grouped = (x) => Array.isArray(x) ? x.map(grouped).join(" \u00d7 ")
  : typeof x === "bigint" ? String(x).replace(/\B(?=(\d{3})+$)/g, "\u202f")
  : typeof x === "number" ? x.toPrecision(8) : String(x);
const number = (x) => typeof x === "bigint" || typeof x === "number" ? Number(x)
  : typeof x === "object" && "top" in x ? Number(x.top) / Number(x.bottom) : NaN;
const several = (metric, value) => {
  if (!metric.parts || !Array.isArray(value)) return grouped(value);
  let from = 0;
  return metric.parts.map(([name, count]) => `${name} ${value.slice(from, from += count).map(grouped).join(" \u00d7 ")}`).join(", ");
};
const short = (x) => {
  for (const [scale, letter] of [[1e15, "P"], [1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (Math.abs(x) >= scale) return Number((x / scale).toPrecision(4)) + "\u2009" + letter;
  }
  return String(Math.round(x * 100) / 100);
};
const call = (f, names, at) => f(...names.map((name) => at[name]));
const evaluate = (at) => Object.fromEntries(METRICS.map((metric, k) => {
  if (!FUNCTIONS[k]) return [metric.name, new Error(metric.refused)];
  try { return [metric.name, call(FUNCTIONS[k], metric.arguments, at)]; } catch (error) { return [metric.name, error]; }
}));
window.layeralgebra = {
  sizes: SIZES.map((size) => size.name),
  evaluate: (given) => {
    const at = Object.fromEntries(Object.entries(given).map(([name, x]) => [name, BigInt(x)]));
    return Object.fromEntries(Object.entries(evaluate(at)).map(([name, x]) => [name, x instanceof Error ? "error" : exact(x)]));
  },
};

function controls() {
  SIZES.forEach((size, k) => {
    const start = BigInt(size.start), most = start * 4n < 16n ? 16n : start * 4n;
    const slide = made("input", {type: "range", min: 1, max: String(most), value: size.start, id: `slide${k}`, "aria-label": `${size.name}, slider`});
    const field = made("input", {type: "text", inputmode: "numeric", value: size.start, id: `field${k}`, autocomplete: "off"});
    const set = (text, other) => {
      const good = /^\s*[+-]?\d+\s*$/.test(text);
      field.setAttribute("aria-invalid", String(!good));
      if (!good) { $("problem").textContent = `${size.name} must be an integer`; return; }
      values[size.name] = BigInt(text.trim());
      other.value = text.trim();
      refresh();
    };
    slide.addEventListener("input", () => set(slide.value, field));
    field.addEventListener("input", () => set(field.value, slide));
    const label = made("label", {for: `field${k}`}, size.name);
    $("controls").append(made("div", {class: "size"}, label, slide, field));
  });
  if (!SIZES.length) $("controls").append("All sizes are numbers.");
}

function cards() {
  const found = evaluate(values), problems = new Set();
  $("cards").replaceChildren(...METRICS.map((metric) => {
    const value = found[metric.name], bad = value instanceof Error;
    if (bad) problems.add(value.message);
    const about = !bad && !Array.isArray(value) && number(value) >= 1e5 ? `${short(number(value))} ` : "";
    return made("div", {class: "card"}, made("span", {}, metric.title + " "), made("span", {class: "kind"}, metric.kind),
      made("b", {}, bad ? "\u2014" : several(metric, value)), made("small", {}, about + (metric.unit || "")));
  }));
  $("problem").textContent = [...problems].join("; ");
}

const terms = (share, at) => Object.values(call(SHARE_FUNCTIONS[SHARES.indexOf(share)], share.arguments, at));
const titles = Object.fromEntries(METRICS.map((metric) => [metric.name, metric.title]));
const chosen = (id) => $(id) && $(id).value;

function bars() {
  const share = SHARES.find((one) => one.name === chosen("share-metric"));
  if (!share) return;
  let parts;
  try { parts = terms(share, values).map(number); } catch (error) { $("bars").replaceChildren("outside the domain"); return; }
  const total = parts.reduce((x, y) => x + y, 0), most = Math.max(...parts, 1e-300);
  $("bars").replaceChildren(...share.stages.map((stage, k) => made("div", {class: "bar"}, made("span", {}, stage),
    made("i", {style: `width:${100 * Math.max(parts[k], 0) / most}%`, title: grouped(BigInt(Math.round(parts[k])))}),
    made("span", {}, total ? (100 * parts[k] / total).toFixed(1) + "\u2009%" : ""))));
}

function steps(name, count) {
  const middle = values[name] > 0n ? values[name] : 1n, last = middle * 4n < 16n ? 16n : middle * 4n, found = [];
  for (let k = 0n; k < BigInt(count); k++) {
    const x = 1n + (last - 1n) * k / BigInt(count - 1);
    if (!found.length || x !== found[found.length - 1]) found.push(x);
  }
  return found;
}

const axis = (low, high) => {
  const step = 10 ** Math.floor(Math.log10((high - low) / 4 || 1)), wide = [1, 2, 5, 10].map((k) => k * step).find((k) => (high - low) / k <= 5) || step;
  const found = [];
  for (let x = Math.ceil(low / wide) * wide; x <= high * (1 + 1e-9); x += wide) found.push(x);
  return found;
};

function curves() {
  const share = SHARES.find((one) => one.name === chosen("curve-metric")), name = chosen("curve-size");
  const metric = METRICS.findIndex((one) => one.name === chosen("curve-metric"));
  if (!name || metric < 0) { $("curve").replaceChildren(SIZES.length ? "" : "There is no size to vary."); return; }
  const lines = share && share.stages.length > 1 && share.stages.length <= 8 ? share.stages.slice() : [titles[METRICS[metric].name]];
  const points = [];
  for (const x of steps(name, 97)) {
    const at = {...values, [name]: x};
    try {
      const all = lines.length > 1 ? terms(share, at) : [call(FUNCTIONS[metric], METRICS[metric].arguments, at)];
      points.push([x, all]);
    } catch (error) { /* outside the domain there is no point */ }
  }
  if (points.length < 2) { $("curve").replaceChildren("The formula does not hold along this line."); $("crossings").replaceChildren(); return; }
  const W = 640, H = 340, left = 74, right = 110, top = 16, bottom = 46;
  const xs = points.map(([x]) => Number(x)), ys = points.map(([, all]) => all.map(number));
  const low = xs[0], high = xs[xs.length - 1], most = Math.max(...ys.flat(), 1e-9);
  const px = (x) => left + (x - low) / (high - low || 1) * (W - left - right), py = (y) => H - bottom - y / most * (H - top - bottom);
  const svg = made("svg", {class: "plot", viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `${titles[METRICS[metric].name]} against ${name}`});
  for (const y of axis(0, most)) {
    svg.append(made("line", {class: "grid", x1: left, x2: W - right, y1: py(y), y2: py(y)}), made("text", {x: left - 6, y: py(y) + 4, "text-anchor": "end"}, short(y)));
  }
  for (const x of axis(low, high)) svg.append(made("text", {x: px(x), y: H - bottom + 18, "text-anchor": "middle"}, short(x)));
  svg.append(made("path", {class: "axis", d: `M${left} ${top}V${H - bottom}H${W - right}`}));
  svg.append(made("text", {x: (left + W - right) / 2, y: H - 8, "text-anchor": "middle", "font-style": "italic"}, name));
  const ends = lines.map((line, k) => ({line, k, y: py(ys[ys.length - 1][k])})).sort((a, b) => a.y - b.y);
  ends.forEach((end, k) => { if (k && end.y - ends[k - 1].y < 15) end.y = ends[k - 1].y + 15; });
  const over = Math.max(0, ends[ends.length - 1].y - (H - bottom));
  ends.forEach((end) => {
    const colour = COLOURS[end.k % COLOURS.length];
    svg.append(made("path", {d: "M" + ys.map((y, place) => `${px(xs[place])} ${py(y[end.k])}`).join("L"), fill: "none", stroke: colour, "stroke-width": 2.2, "stroke-dasharray": ["", "7 3", "2 3"][Math.floor(end.k / 3) % 3]}));
    const label = made("text", {x: W - right + 8, y: end.y + 4 - over}, made("title", {}, end.line), end.line.length > 13 ? end.line.slice(0, 12) + "\u2026" : end.line);
    svg.append(label, made("circle", {cx: W - right + 1, cy: py(ys[ys.length - 1][end.k]), r: 3.5, fill: colour}));
  });
  if (values[name] >= BigInt(low) && values[name] <= BigInt(high)) {
    svg.append(made("line", {class: "axis", x1: px(Number(values[name])), x2: px(Number(values[name])), y1: top, y2: H - bottom, "stroke-dasharray": "3 3"}));
  }
  const crossings = [];
  for (let a = 0; a < lines.length; a++) for (let b = a + 1; b < lines.length; b++) for (let k = 1; k < points.length; k++) {
    const before = Math.sign(ys[k - 1][a] - ys[k - 1][b]), after = Math.sign(ys[k][a] - ys[k][b]);
    if (before && after && before !== after) crossings.push([a, b, after, k]);
  }
  $("crossings").replaceChildren(...crossings.slice(0, 12).map(([a, b, after, k]) => {
    let from = points[k - 1][0], to = points[k][0];
    const ahead = (x) => { const all = terms(share, {...values, [name]: x}).map(number); return Math.sign(all[a] - all[b]); };
    try { while (to - from > 1n) { const middle = (from + to) / 2n; if (ahead(middle) === after) to = middle; else from = middle; } } catch (error) { /* a gap in the domain */ }
    const y = ys[k][a];
    svg.append(made("circle", {cx: px(Number(to)), cy: py(y), r: 4, fill: "none", stroke: "currentColor", "stroke-width": 1.5}));
    const [up, down] = after > 0 ? [a, b] : [b, a];
    return made("li", {}, `${lines[up]} is more than ${lines[down]} from ${name} = ${to}`);
  }));
  $("curve").replaceChildren(svg);
}

function heat() {
  const metric = METRICS.findIndex((one) => one.name === chosen("map-metric")), x = chosen("map-x"), y = chosen("map-y");
  if (!$("heat") || metric < 0) return;
  if (x === y) { $("heat").replaceChildren("Choose two different sizes."); return; }
  const xs = steps(x, 25), ys = steps(y, 17), cells = [];
  for (const b of ys) for (const a of xs) {
    let value = NaN;
    try { value = number(call(FUNCTIONS[metric], METRICS[metric].arguments, {...values, [x]: a, [y]: b})); } catch (error) { /* outside the domain */ }
    cells.push(value);
  }
  const good = cells.filter((value) => value > 0), low = Math.log(Math.min(...good)), high = Math.log(Math.max(...good));
  const W = 640, H = 380, left = 74, right = 90, top = 12, bottom = 46, w = (W - left - right) / xs.length, h = (H - top - bottom) / ys.length;
  const colour = (t) => { const k = Math.min(Math.max(t, 0), 1) * 4, stops = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]], i = Math.min(Math.floor(k), 3);
    return `rgb(${stops[i].map((s, c) => Math.round(s + (stops[i + 1][c] - s) * (k - i))).join(",")})`; };
  const svg = made("svg", {class: "plot", viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `${titles[METRICS[metric].name]} over ${x} and ${y}`});
  cells.forEach((value, k) => {
    const i = k % xs.length, j = Math.floor(k / xs.length);
    const fill = value > 0 ? colour((Math.log(value) - low) / (high - low || 1)) : "none";
    svg.append(made("rect", {x: left + i * w, y: H - bottom - (j + 1) * h, width: w + .4, height: h + .4, fill}, made("title", {}, `${x} = ${xs[i]}, ${y} = ${ys[j]}: ${Number.isNaN(value) ? "outside the domain" : short(value)}`)));
  });
  for (let i = 0; i < xs.length; i += Math.ceil(xs.length / 5)) svg.append(made("text", {x: left + (i + .5) * w, y: H - bottom + 18, "text-anchor": "middle"}, String(xs[i])));
  for (let j = 0; j < ys.length; j += Math.ceil(ys.length / 5)) svg.append(made("text", {x: left - 6, y: H - bottom - (j + .5) * h + 4, "text-anchor": "end"}, String(ys[j])));
  svg.append(made("text", {x: (left + W - right) / 2, y: H - 8, "text-anchor": "middle", "font-style": "italic"}, x));
  svg.append(made("text", {x: 14, y: (top + H - bottom) / 2, "text-anchor": "middle", "font-style": "italic", transform: `rotate(-90 14 ${(top + H - bottom) / 2})`}, y));
  for (let k = 0; k < 40; k++) svg.append(made("rect", {x: W - right + 12, y: H - bottom - (k + 1) * (H - top - bottom) / 40, width: 12, height: (H - top - bottom) / 40 + .4, fill: colour(k / 39)}));
  if (good.length) for (const t of [0, .5, 1]) svg.append(made("text", {x: W - right + 28, y: H - bottom - t * (H - top - bottom) + (t === 1 ? 10 : 0)}, short(Math.exp(low + t * (high - low)))));
  $("heat").replaceChildren(svg);
}

function fill(id, options, place) {
  const select = $(id);
  if (!select) return;
  select.append(...options.map(([value, text]) => made("option", {value}, text)));
  if (options[place]) select.value = options[place][0];
  select.addEventListener("input", refresh);
}

let asked = 0;
function refresh() {
  cards();
  bars();
  cancelAnimationFrame(asked);
  asked = requestAnimationFrame(() => { curves(); heat(); });
}

const scalar = METRICS.filter((metric, k) => { try { return FUNCTIONS[k] && !Array.isArray(call(FUNCTIONS[k], metric.arguments, values)); } catch (error) { return true; } }).map((metric) => [metric.name, metric.title]);
const counts = Math.max(scalar.findIndex(([name]) => name === "macs"), 0);
const names = SIZES.map((size) => [size.name, size.name]);
controls();
fill("share-metric", SHARES.map((share) => [share.name, titles[share.name]]), Math.max(SHARES.findIndex((share) => share.name === "macs"), 0));
fill("curve-metric", scalar, counts);
fill("curve-size", names, 0);
fill("map-metric", scalar, counts);
fill("map-x", names, 0);
fill("map-y", names, 1);
refresh();
curves();
heat();
