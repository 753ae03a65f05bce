// The numbers of the page: out of their bytes, exactly, and side by side on one axis.
const numbers = (() => {
  "use strict";

  async function unpack(text) {
    const bytes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    const byPlace = new Uint8Array(await new Response(stream).arrayBuffer());
    // The first bytes of all numbers come first, then their second bytes: see html/columns.py.
    const count = byPlace.length / 8;
    const whole = new Uint8Array(byPlace.length);
    for (let place = 0; place < 8; place++)
      for (let i = 0; i < count; i++) whole[i * 8 + place] = byPlace[place * count + i];
    return whole.buffer;
  }

  // A column: `values` to draw, and `text(row)`, which is exact also where a float is not.
  async function column(packed) {
    const buffer = await unpack(packed.data);
    if (packed.kind === "float") {
      const values = new Float64Array(buffer);
      return { values, text: (row) => word(values[row]) };
    }
    const integers = new BigInt64Array(buffer);
    const holes = packed.holes ? new Float64Array(await unpack(packed.holes)) : null;
    const values = Float64Array.from(integers, (each, row) => (holes && holes[row] ? NaN : Number(each)));
    return { values, text: (row) => (holes && holes[row] ? word(NaN) : String(integers[row])) };
  }

  function word(value) {
    if (Number.isNaN(value)) return "nan";
    if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
    return Object.is(value, -0) ? "-0" : String(value);
  }

  // The rows in the order of their x; rows without one are left out.
  function order(xs) {
    const rows = [];
    let isSorted = true;
    for (let row = 0, last = -Infinity; row < xs.length; row++) {
      if (!Number.isFinite(xs[row])) continue;
      if (xs[row] < last) isSorted = false;
      last = xs[row];
      rows.push(row);
    }
    return isSorted ? rows : rows.sort((a, b) => xs[a] - xs[b] || a - b);
  }

  // All x of two ascending lists; one that comes n times in one of them and m in the other comes max(n, m) times.
  function union(a, b) {
    const all = new Float64Array(a.length + b.length);
    let i = 0, j = 0, n = 0;
    while (i < a.length || j < b.length) {
      if (j >= b.length || a[i] < b[j]) all[n++] = a[i++];
      else if (i >= a.length || b[j] < a[i]) all[n++] = b[j++];
      else { all[n++] = a[i++]; j++; }
    }
    return all.slice(0, n);
  }

  // Curves on one axis: `x`, and for each curve the row that lies at each x, or -1.
  function align(xsOfEach) {
    const rows = xsOfEach.map(order);
    const sorted = rows.map((own, i) => Float64Array.from(own, (row) => xsOfEach[i][row]));
    const x = sorted.reduce(union, new Float64Array(0));
    const places = sorted.map((own, i) => {
      const place = new Int32Array(x.length).fill(-1);
      for (let at = 0, next = 0; next < own.length; at++) if (x[at] === own[next]) place[at] = rows[i][next++];
      return place;
    });
    return { x, places };
  }

  return { column, align };
})();
