// A sentence about a picture, from its attributes in plain words.

import { Random } from './random.mjs';

const article = (word) => (/^[aeiou]/i.test(word) ? 'an' : 'a');

function list(items) {
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}

function hairPhrase({ hair_length: length, hair_look: look, hair_color: colour }, brief) {
  if (length === 'no') return 'a bald head';
  if (look === 'mohawk') return `a ${colour} mohawk`;
  return [length, brief ? undefined : look, colour, 'hair'].filter(Boolean).join(' ');
}

/**
 * What a picture shows, in words. The values never name a design's file-like option.
 */
export function describe(design, attributes) {
  const { length, look } = design.hair(attributes);
  const bald = length === 'no';
  return {
    skin: attributes.skin,
    hair_length: length,
    hair_look: look ?? null,
    // A bald person has a hair colour as far as a beard shows it.
    hair_color: bald && attributes.beard === 'none' ? null : attributes.hair_color,
    eye_color: attributes.eye_color ?? null,
    beard: design.beards[attributes.beard] ?? null,
    eyewear: design.eyewear?.(attributes) ?? null,
    hat_color: attributes.hat && attributes.hat !== 'none' ? attributes.hat_color : null,
    garment: design.garments[attributes.clothes] ?? 'shirt',
    clothes_color: attributes.clothes_color,
    mood: design.moods[attributes.mouth] ?? null,
    background: attributes.background,
  };
}

export function caption(design, words, seed) {
  const random = new Random(seed ^ 0x5ca1ab1e);
  const brief = random.chance(0.5);
  const has = [hairPhrase(words, brief), words.beard, words.eyewear].filter(Boolean);
  const garment = brief ? 'shirt' : words.garment;
  const wearing = [`${article(words.clothes_color)} ${words.clothes_color} ${garment}`];
  if (words.hat_color) wearing.push(`${article(words.hat_color)} ${words.hat_color} hat`);

  const who = [`a person with ${list(has)}`, random.pick(['in', 'wearing']), list(wearing)].join(' ');
  const mood = words.mood && random.chance(0.4) ? `, ${words.mood}` : '';
  const behind = random.chance(0.6)
    ? random.pick([` on ${article(words.background)} ${words.background} background`,
      ` in front of ${article(words.background)} ${words.background} wall`])
    : '';
  const skin = random.chance(0.3) ? `, ${words.skin} skin` : '';
  return random.pick([
    `${who}${mood}${skin}${behind}, ${design.name} style`,
    `${design.name} style, ${who}${mood}${skin}${behind}`,
    `${article(design.name)} ${design.name} style portrait of ${who}${mood}${skin}${behind}`,
  ]);
}
