// Two plain plots in SVG: a claim beside its peers, and a hospital's months. Pixels are numbers,
// money stays text; each plot has its figures in a table beside it.
const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 560, LEFT = 12, RIGHT = 12;

/** Fen of a wire amount. */
export const fen = (amount) => BigInt(amount.replace(".", ""));

/** A wire amount with its thousands apart. */
export const yuan = (amount) => amount.replace(/\B(?=(\d{3})+(?=\.))/g, ",");

/** A sum of fen as a wire amount. */
export function toWire(sum) {
  const text = (sum < 0n ? -sum : sum).toString().padStart(3, "0");
  return `${sum < 0n ? "-" : ""}${text.slice(0, -2)}.${text.slice(-2)}`;
}

const drawn = (name, facts, text) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(facts)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
};

const canvas = (height, label) =>
  drawn("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": label });

/** The peers' distribution as a box with whiskers, and where the claim stands. */
export function beside(peers, words, label) {
  const at = ["least", "p10", "p25", "median", "p75", "p90", "most"].map((name) => fen(peers[name]));
  const own = fen(peers.own);
  const low = [own, ...at].reduce((a, b) => (a < b ? a : b));
  const high = [own, ...at].reduce((a, b) => (a > b ? a : b));
  const x = (value) =>
    LEFT + Number(((value - low) * BigInt(WIDTH - LEFT - RIGHT)) / (high - low || 1n));
  const [least, p10, p25, median, p75, p90, most] = at.map(x);
  const svg = canvas(110, label);
  svg.append(
    drawn("line", { class: "thin", x1: least, x2: most, y1: 55, y2: 55 }),
    drawn("rect", { class: "wide", x: p10, y: 47, width: Math.max(1, p90 - p10), height: 16 }),
    drawn("rect", { class: "box", x: p25, y: 40, width: Math.max(1, p75 - p25), height: 30 }),
    drawn("line", { class: "middle", x1: median, x2: median, y1: 36, y2: 74 }),
    drawn("path", { class: "own", d: `M${x(own)} 36 l-7 -12 h14 z` }),
    drawn("line", { class: "own", x1: x(own), x2: x(own), y1: 36, y2: 74 }),
  );
  const anchor = x(own) > WIDTH / 2 ? "end" : "start";
  svg.append(
    drawn("text", { x: x(own), y: 16, "text-anchor": anchor }, `${words.own} ${yuan(peers.own)}`),
    drawn("text", { x: LEFT, y: 98 }, yuan(toWire(low))),
    drawn("text", { x: WIDTH - RIGHT, y: 98, "text-anchor": "end" }, yuan(toWire(high))),
    drawn("text", { x: median, y: 86, "text-anchor": "middle" }, `${words.median} ${yuan(peers.median)}`),
  );
  return svg;
}

/** Months side by side: what was paid as a bar, what was to be expected as a line across it. */
export function byMonth(months, label) {
  const high = months.flatMap((one) => [fen(one.actual), fen(one.expected)]).reduce((a, b) => (a > b ? a : b), 1n);
  const step = Math.floor((WIDTH - LEFT - RIGHT) / months.length);
  const tall = (amount) => Number((fen(amount) * 100n) / high);
  const svg = canvas(140, label);
  months.forEach((one, number) => {
    const x = LEFT + number * step, width = Math.max(2, Math.min(48, step - 6));
    svg.append(
      drawn("rect", { class: "box", x, y: 115 - tall(one.actual), width, height: tall(one.actual) }),
      drawn("line", { class: "own", x1: x - 2, x2: x + width + 2, y1: 115 - tall(one.expected), y2: 115 - tall(one.expected) }),
      drawn("text", { x, y: 132 }, one.month),
    );
  });
  return svg;
}
