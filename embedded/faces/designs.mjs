// One entry per drawing style: whose it is, how it is framed, who its people are, and how a picture of one is set up.
//
// `person` lists what is fixed about somebody (identity); `picture` draws what changes from picture to picture.
// `options` turns both into DiceBear options. Every option is one explicit value: DiceBear itself never chooses.
// `hair` says how long somebody's hair is and what else a caption may say of it; the tables after it name other designs.
// `finish`, where there is one, corrects the drawing. `partClass` says to which class of the segmentation map each of the design's parts belongs.

import * as micah from '@dicebear/micah';
import * as personas from '@dicebear/personas';
import * as pixelArt from '@dicebear/pixel-art';
import * as toonHead from '@dicebear/toon-head';
import { CLOTHES, EYES, GLASSES, HAIR, SKIN } from './palettes.mjs';

export const CLASSES = ['background', 'skin', 'hair', 'clothes', 'eyes', 'mouth', 'glasses'];
const [, skin, hair, clothes, eyes, mouth, glasses] = CLASSES.keys();

const names = (palette) => Object.keys(palette);

/** A list in which `value` stands `count` times, for picks that favour it. */
const often = (value, count, ...others) => [...Array(count).fill(value), ...others];

const NO_BEARD = 'none';

const toon = {
  name: 'toon',
  credit: { title: 'ToonHead', designer: 'Johan Melin', licence: 'CC BY 4.0',
    source: 'https://www.figma.com/community/file/1589627891082866389' },
  package: 'toon-head',
  style: toonHead,
  viewBox: '94 112 580 580',
  person: {
    skin: names(SKIN), hair_color: names(HAIR), eye_color: names(EYES),
    front_hair: ['sideComed', 'undercut', 'spiky', 'bun'],
    rear_hair: often('none', 2, 'longStraight', 'longWavy', 'shoulderHigh', 'neckHigh'),
    beard: often(NO_BEARD, 8, 'moustacheTwirl', 'fullBeard', 'chin', 'chinMoustache', 'longBeard'),
  },
  picture: (random) => ({
    eyes: random.pick(['happy', 'wide', 'bow', 'humble', 'wink']),
    eyebrows: random.pick(['raised', 'angry', 'happy', 'sad', 'neutral']),
    mouth: random.pick(['laugh', 'angry', 'agape', 'smile', 'sad']),
    clothes: random.pick(['turtleNeck', 'openJacket', 'dress', 'shirt', 'tShirt']),
    clothes_color: random.pick(names(CLOTHES)),
  }),
  options: (a) => ({
    body: 'body', head: 'head', hair: a.front_hair, hairProbability: 100,
    rearHair: a.rear_hair, rearHairProbability: a.rear_hair === 'none' ? 0 : 100,
    beard: a.beard, beardProbability: a.beard === NO_BEARD ? 0 : 100,
    eyes: a.eyes, eyebrows: a.eyebrows, mouth: a.mouth, clothes: a.clothes,
    skinColor: SKIN[a.skin], hairColor: HAIR[a.hair_color], clothesColor: CLOTHES[a.clothes_color],
  }),
  // The design knows one eye colour only; the round irises get the person's own.
  finish: (svg, a) => svg.replace(/(<circle [^>]*r="27"[^>]*fill=")#4B2422/g, `$1#${EYES[a.eye_color]}`),
  hair: (a) => {
    const length = { none: 'short', neckHigh: 'medium-length', shoulderHigh: 'medium-length' }[a.rear_hair] ?? 'long';
    const look = { spiky: 'spiky', bun: 'tied up' }[a.front_hair]
      ?? { longStraight: 'straight', longWavy: 'wavy' }[a.rear_hair];
    return { length, look };
  },
  beards: { moustacheTwirl: 'a moustache', fullBeard: 'a beard', chin: 'a goatee',
    chinMoustache: 'a goatee and a moustache', longBeard: 'a long beard' },
  garments: { turtleNeck: 'turtleneck', openJacket: 'jacket', dress: 'top', shirt: 'sweater', tShirt: 'T-shirt' },
  moods: { laugh: 'laughing', angry: 'angry', agape: 'surprised', smile: 'smiling', sad: 'sad' },
  partClass: { rearHair: hair, body: skin, head: skin, clothes, mouth, beard: hair, eyes, eyebrows: eyes, hair },
};

const flat = {
  name: 'flat',
  credit: { title: 'Personas by Draftbit', designer: 'Draftbit', licence: 'CC BY 4.0',
    source: 'https://personas.draftbit.com/' },
  package: 'personas',
  style: personas,
  viewBox: '9 9 46 46',
  person: {
    skin: names(SKIN), hair_color: names(HAIR),
    hair: ['long', 'sideShave', 'shortCombover', 'curlyHighTop', 'bobCut', 'curly', 'pigtails', 'curlyBun', 'bobBangs',
      'bald', 'balding', 'bunUndercut', 'straightBun', 'extraLong', 'shortComboverChops', 'mohawk'],
    nose: ['mediumRound', 'smallRound', 'wrinkles'],
    beard: often(NO_BEARD, 6, 'beardMustache', 'pyramid', 'walrus', 'goatee'),
  },
  picture: (random, person) => ({
    eyes: random.pick(['open', 'open', 'sleep', 'wink', 'happy', 'glasses', 'glasses', 'sunglasses']),
    // This beard is drawn with a smile of its own over the mouth.
    mouth: person.beard === 'beardMustache' ? 'bigSmile'
      : random.pick(['smile', 'frown', 'surprise', 'bigSmile', 'smirk', 'lips']),
    clothes: random.pick(['squared', 'rounded', 'small', 'checkered']),
    clothes_color: random.pick(names(CLOTHES)),
  }),
  options: (a) => ({
    hair: a.hair, nose: a.nose, eyes: a.eyes, mouth: a.mouth, body: a.clothes,
    facialHair: a.beard, facialHairProbability: a.beard === NO_BEARD ? 0 : 100,
    skinColor: SKIN[a.skin], hairColor: HAIR[a.hair_color], clothingColor: CLOTHES[a.clothes_color],
  }),
  hair: (a) => ({
    long: { length: 'long' }, sideShave: { length: 'medium-length', look: 'side-shaved' }, shortCombover: { length: 'short' },
    curlyHighTop: { length: 'short', look: 'curly' }, bobCut: { length: 'medium-length' },
    curly: { length: 'long', look: 'curly' }, pigtails: { length: 'long', look: 'tied up' },
    curlyBun: { length: 'short', look: 'tied up' }, bobBangs: { length: 'medium-length' }, bald: { length: 'no' },
    balding: { length: 'short', look: 'thinning' }, bunUndercut: { length: 'short', look: 'tied up' },
    straightBun: { length: 'short', look: 'tied up' }, extraLong: { length: 'long', look: 'straight' },
    shortComboverChops: { length: 'short' }, mohawk: { length: 'short', look: 'mohawk' },
  })[a.hair],
  beards: { beardMustache: 'a beard', pyramid: 'a moustache', walrus: 'a big moustache', goatee: 'a goatee' },
  garments: { squared: 'shirt', rounded: 'T-shirt', small: 'top', checkered: 'checkered shirt' },
  moods: { smile: 'smiling', frown: 'sad', surprise: 'surprised', bigSmile: 'smiling broadly', smirk: 'smirking',
    lips: 'with painted lips' },
  eyewear: (a) => ({ glasses: 'glasses', sunglasses: 'sunglasses' })[a.eyes],
  // Bare scalp is skin; glasses come as a kind of eyes, so their dark shapes are the glasses.
  partClass: { body: clothes, mouth, nose: skin, eyes: (a) => (a.eyes.endsWith('glasses') ? glasses : eyes),
    hair: (a) => (a.hair === 'bald' ? skin : hair),
    facialHair: (a, colour) => (colour === '#FFFEFD' ? mouth : hair) },
};

const ink = {
  name: 'ink',
  credit: { title: 'Avatar Illustration System', designer: 'Micah Lanier', licence: 'CC BY 4.0',
    source: 'https://www.figma.com/community/file/829741575478342595' },
  package: 'micah',
  style: micah,
  viewBox: '14 22 330 330',
  person: {
    skin: names(SKIN), hair_color: names(HAIR),
    hair: ['fonze', 'mrT', 'dannyPhantom', 'full', 'pixie', 'mrClean'],
    nose: ['curve', 'pointed', 'tound'], ears: ['attached', 'detached'], eyelashes: ['yes', 'no'],
    beard: often(NO_BEARD, 6, 'beard', 'beard', 'scruff'),
  },
  picture: (random) => ({
    eyes: random.pick(['eyes', 'round', 'smiling']),
    eyebrows: random.pick(['up', 'down']),
    mouth: random.pick(['surprised', 'laughing', 'nervous', 'smile', 'sad', 'pucker', 'frown', 'smirk']),
    glasses: random.chance(0.35) ? random.pick(['round', 'square']) : 'none',
    glasses_color: random.pick(names(GLASSES)),
    clothes: random.pick(['open', 'crew', 'collared']),
    clothes_color: random.pick(names(CLOTHES)),
  }),
  options: (a) => ({
    base: 'standard', hair: a.hair, hairProbability: 100, nose: a.nose, ears: a.ears, earringsProbability: 0,
    eyes: a.eyes, eyebrows: `${a.eyelashes === 'yes' ? 'eyelashes' : ''}${a.eyebrows}`.replace(/(?<=eyelashes)./, (c) => c.toUpperCase()),
    mouth: a.mouth, shirt: a.clothes, facialHair: a.beard, facialHairProbability: a.beard === NO_BEARD ? 0 : 100,
    glasses: a.glasses, glassesProbability: a.glasses === 'none' ? 0 : 100,
    baseColor: SKIN[a.skin], hairColor: HAIR[a.hair_color], facialHairColor: HAIR[a.hair_color],
    glassesColor: GLASSES[a.glasses_color], shirtColor: CLOTHES[a.clothes_color], eyesColor: '000000',
    eyebrowsColor: '000000',
    // A black mouth would be lost in a dark beard.
    mouthColor: a.beard === 'beard' && ['black', 'brown'].includes(a.hair_color) ? 'c9636b' : '000000',
  }),
  // These lines are thinner than a pixel at 64x64 and would break up.
  finish: (svg) => svg.replace(/<g data-part="(?:glasses|mouth)">.*?<\/g>/g,
    (part) => part.replace(/stroke-width="4"/g, 'stroke-width="6.5"')),
  hair: (a) => ({
    fonze: { length: 'short' }, mrT: { length: 'short', look: 'mohawk' }, dannyPhantom: { length: 'short' },
    full: { length: 'long', look: 'wavy' }, pixie: { length: 'medium-length' }, mrClean: { length: 'no' },
  })[a.hair],
  beards: { beard: 'a beard', scruff: 'stubble' },
  garments: { open: 'sweater', crew: 'T-shirt', collared: 'polo shirt' },
  moods: { surprised: 'surprised', laughing: 'laughing', nervous: 'nervous', smile: 'smiling', sad: 'sad',
    pucker: 'pouting', frown: 'frowning', smirk: 'smirking' },
  eyewear: (a) => (a.glasses === 'none' ? undefined : 'glasses'),
  partClass: { base: skin, mouth, eyebrows: eyes, hair: (a) => (a.hair === 'mrClean' ? skin : hair), eyes, nose: skin,
    ears: skin, shirt: clothes, glasses, facialHair: hair },
};

const PIXEL_HAIR = {
  short01: { length: 'short' }, short03: { length: 'short' }, short05: { length: 'short', look: 'mohawk' },
  short07: { length: 'short', look: 'thinning' }, short09: { length: 'short' },
  short11: { length: 'medium-length', look: 'curly' }, short13: { length: 'short', look: 'spiky' },
  short15: { length: 'short' }, short17: { length: 'short' },
  long01: { length: 'long' }, long03: { length: 'medium-length' }, long05: { length: 'short', look: 'tied up' },
  long07: { length: 'long' }, long09: { length: 'long' }, long13: { length: 'long' },
  long15: { length: 'medium-length', look: 'curly' }, long17: { length: 'medium-length' },
  long19: { length: 'long', look: 'braided' },
};

const pixel = {
  name: 'pixel',
  credit: { title: 'Pixel Art', designer: 'DiceBear', licence: 'CC0 1.0',
    source: 'https://www.figma.com/community/file/1198754108850888330' },
  package: 'pixel-art',
  style: pixelArt,
  viewBox: '0 0 16 16',
  person: {
    skin: names(SKIN), hair_color: names(HAIR), eye_color: names(EYES),
    hair: Object.keys(PIXEL_HAIR),
    beard: often(NO_BEARD, 8, 'variant01', 'variant02', 'variant03', 'variant05'),
  },
  picture: (random) => ({
    eyes: `variant${random.pick(['01', '03', '04', '07', '08', '09', '12'])}`,
    mouth: random.pick(['happy01', 'happy03', 'happy07', 'happy09', 'happy12', 'sad01', 'sad03', 'sad05', 'sad09']),
    mouth_color: random.pick(['pink', 'red']),
    glasses: random.chance(0.3) ? `dark0${random.pick([1, 2, 3, 5, 6])}` : 'none',
    glasses_color: random.pick(names(GLASSES)),
    hat: random.chance(0.12) ? `variant${random.pick(['01', '02', '05', '08', '10'])}` : 'none',
    hat_color: random.pick(names(CLOTHES)),
    clothes: `variant${random.pick(['01', '03', '05', '08', '12', '15', '16', '20'])}`,
    clothes_color: random.pick(names(CLOTHES)),
  }),
  options: (a) => ({
    hair: a.hair, beard: a.beard, beardProbability: a.beard === NO_BEARD ? 0 : 100, accessoriesProbability: 0,
    eyes: a.eyes, mouth: a.mouth, glasses: a.glasses, glassesProbability: a.glasses === 'none' ? 0 : 100,
    hat: a.hat, hatProbability: a.hat === 'none' ? 0 : 100, clothing: a.clothes,
    skinColor: SKIN[a.skin], hairColor: HAIR[a.hair_color], eyesColor: EYES[a.eye_color],
    mouthColor: { pink: 'd27a76', red: 'd0202c' }[a.mouth_color], glassesColor: GLASSES[a.glasses_color],
    hatColor: CLOTHES[a.hat_color], clothingColor: CLOTHES[a.clothes_color],
  }),
  hair: (a) => PIXEL_HAIR[a.hair],
  beards: { variant01: 'a beard', variant02: 'a goatee', variant03: 'a beard', variant05: 'a beard' },
  garments: {}, // too coarse to tell apart
  moods: {},
  eyewear: (a) => (a.glasses === 'none' ? undefined : 'glasses'),
  partClass: { clothing: clothes, eyes, glasses, beard: hair, mouth, hair, hat: clothes },
};

export const DESIGNS = [toon, flat, ink, pixel];
