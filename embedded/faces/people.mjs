// Who is in a split, and what a seed draws.
//
// A person is a combination of fixed attributes. Which split it may appear in follows from the combination itself, so
// that no person is in two splits however many people each has. Picture seeds come from a range of the split's own.

import { caption, describe } from './captions.mjs';
import { DESIGNS } from './designs.mjs';
import { BACKGROUND } from './palettes.mjs';
import { Random, hashText } from './random.mjs';

const FIRST_SEED = { train: 0, validation: 1_000_000_000, test: 2_000_000_000 };
export const SPLITS = Object.keys(FIRST_SEED);

/** No person has more pictures than this, so each has a range of seeds to itself. */
export const MOST_PER_PERSON = 64;
const MANY_TRIES = 100_000;

function splitOf(key) {
  const bucket = hashText(`split ${key}`) % 20;
  return { 0: 'validation', 1: 'test' }[bucket] ?? 'train';
}

/** People who look the same get the same key: hair colour tells nobody apart on a bald head without a beard. */
function keyOf(design, person) {
  const visible = { ...person };
  if (design.hair(person).length === 'no' && person.beard === 'none') delete visible.hair_color;
  return `${design.name} ${Object.values(visible).join(' ')}`;
}

function drawPerson(design, random) {
  return Object.fromEntries(Object.entries(design.person).map(([what, values]) => [what, random.pick(values)]));
}

/** The first `count` people of a split. Styles take turns. */
export function people(split, count) {
  const random = new Random(hashText(`people of ${split}`));
  const known = new Set();
  return Array.from({ length: count }, (_, index) => {
    const design = DESIGNS[index % DESIGNS.length];
    for (let attempt = 0; attempt < MANY_TRIES; attempt++) {
      const person = drawPerson(design, random);
      const key = keyOf(design, person);
      if (known.has(key) || splitOf(key) !== split) continue;
      known.add(key);
      return { id: `${split}-${index}`, index, design, person };
    }
    throw new Error(`the ${design.name} style has no more than ${Math.floor(index / DESIGNS.length)} people for ${split}`);
  });
}

/** The k-th picture of somebody: its seed, design and options, and what can be said of it. */
export function picture(split, somebody, k) {
  const { design, person } = somebody;
  const seed = FIRST_SEED[split] + somebody.index * MOST_PER_PERSON + k;
  const random = new Random(seed);
  const attributes = { ...person, ...design.picture(random, person), background: random.pick(Object.keys(BACKGROUND)) };
  const words = describe(design, attributes);
  return { seed, design, attributes, words, caption: caption(design, words, seed) };
}
