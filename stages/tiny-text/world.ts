// The made-up world that every generator of the tiny profile asks about: the same towns, people and goods for every seed.
import { createRandom, type Random, shuffle } from '../../util/random.ts';
import { between, pick } from './choose.ts';

/** A town: `name` and `river` are unique to it. */
export interface Town {
  name: string;
  river: string;
  country: string;
  dish: string;
  month: string;
}

/** A person; `friend` is the name of another person. */
export interface Person {
  name: string;
  town: Town;
  job: string;
  pet: string;
  instrument: string;
  age: number;
  friend: string;
}

/** A thing that shops sell; `price` in crowns. */
export interface Good {
  name: string;
  price: number;
  material: string;
}

export const instruments = words('flute harp drum violin horn piano cello banjo');
const pets = words('cat dog parrot goat rabbit turtle horse snake');
const jobs = words('baker pilot nurse farmer painter tailor sailor teacher miner potter cook judge');
const dishes = words('soup bread cheese fish plums honey beans cake');
export const materials = words('wood iron glass wool clay');
const months = words('January March April May June August October December');
const countries = words('Arland Belmor Corvia Dunmark');
const goodNames = words(
  'lamp rope cup table spoon basket mirror candle hammer carpet bell chair bucket pillow kettle ladder comb saddle vase clock',
);

const townCount = 20;
const personCount = 120;

const random = createRandom('tiny-text', 'world', 1);
const taken = new Set(['Nose', 'Gases', 'Lumen', 'Line']); // words of English, no names

export const towns: readonly Town[] = Array.from({ length: townCount }, () => ({
  name: newName(random, pick(random, words('ville ford burg stead'))),
  river: newName(random, ''),
  country: pick(random, countries),
  dish: pick(random, dishes),
  month: pick(random, months),
}));

const personNames = Array.from({ length: personCount }, () => newName(random, ''));
const friends = shuffle([...personNames], random);

/** Friends form one ring, so nobody is their own friend. */
function friendOf(name: string): string {
  return friends[(friends.indexOf(name) + 1) % friends.length] as string;
}

export const people: readonly Person[] = personNames.map((name) => ({
  name,
  town: pick(random, towns),
  job: pick(random, jobs),
  pet: pick(random, pets),
  instrument: pick(random, instruments),
  age: between(random, 21, 69),
  friend: friendOf(name),
}));

const byName = new Map(people.map((person) => [person.name, person]));

export const goods: readonly Good[] = goodNames.map((name) => ({
  name,
  price: between(random, 3, 15),
  material: pick(random, materials),
}));

/** The person called `name`. */
export function personNamed(name: string): Person {
  const person = byName.get(name);
  if (!person) throw new Error(`nobody is called '${name}'`);
  return person;
}

/** A name nobody and nothing has yet: two open syllables and, for towns, an ending. */
function newName(random: Random, ending: string): string {
  for (;;) {
    const syllable = () => pick(random, [...'bdfgklmnprstvz']) + pick(random, [...'aeiou']);
    const stem = syllable() + syllable() + (ending === '' ? pick(random, ['', 'n', 'l', 'r', 's']) : '');
    const name = stem.charAt(0).toUpperCase() + stem.slice(1) + ending;
    if (taken.has(name)) continue;
    taken.add(name);
    return name;
  }
}

function words(text: string): string[] {
  return text.split(' ');
}
