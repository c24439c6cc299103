// A small seeded generator (mulberry32) of our own, so that no library update can change a face.

export function scramble(x) {
  x = Math.imul((x ^ (x >>> 16)) >>> 0, 0x85ebca6b);
  x = Math.imul((x ^ (x >>> 13)) >>> 0, 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

export function hashText(text) {
  let h = 0x811c9dc5;
  for (const char of text) h = Math.imul(h ^ char.codePointAt(0), 0x01000193);
  return scramble(h >>> 0);
}

export class Random {
  constructor(seed) {
    this.state = scramble((seed + 0x9e3779b9) >>> 0);
  }

  /** A number in [0, 1). */
  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  chance(probability) {
    return this.next() < probability;
  }

  pick(list) {
    return list[Math.floor(this.next() * list.length)];
  }
}
