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

/** A person; `first` and the last name are shared with others, only `name` (both) is unique; `friend` is another one's `name`. */
export interface Person {
  name: string;
  first: string;
  town: Town;
  job: string;
  pet: string;
  instrument: string;
  age: number;
  friend: string;
}

/** A thing that shops sell, a colour and a noun; `price` in crowns. */
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
const colours = words('red blue green black white');
const nouns = words('lamp cup table basket mirror hammer bell chair bucket ladder vase clock');

const townCount = 20;
const firstNameCount = 28;
const lastNameCount = 28;
const personCount = 400;

const random = createRandom('tiny-text', 'world', 1);
const taken = new Set(['Nose', 'Gases', 'Lumen', 'Line']); // words of English, no names

export const towns: readonly Town[] = Array.from({ length: townCount }, () => ({
  name: newName(random, pick(random, words('ville ford burg stead'))),
  river: newName(random, ''),
  country: pick(random, countries),
  dish: pick(random, dishes),
  month: pick(random, months),
}));

const firstNames = Array.from({ length: firstNameCount }, () => newName(random, ''));
const lastNames = Array.from({ length: lastNameCount }, () => newName(random, ''));

/** Each name means something only as a whole: it takes attention to join its parts and an MLP to look it up. */
const personNames = shuffle(crossed(firstNames, lastNames), random).slice(0, personCount);
const friends = shuffle([...personNames], random);

/** Friends form one ring, so nobody is their own friend. */
function friendOf(name: string): string {
  return friends[(friends.indexOf(name) + 1) % friends.length] as string;
}

export const people: readonly Person[] = personNames.map((name) => ({
  name,
  first: name.split(' ')[0] as string,
  town: pick(random, towns),
  job: pick(random, jobs),
  pet: pick(random, pets),
  instrument: pick(random, instruments),
  age: between(random, 21, 69),
  friend: friendOf(name),
}));

const byName = new Map(people.map((person) => [person.name, person]));

export const goods: readonly Good[] = crossed(colours, nouns).map((name) => ({
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

/** Every one of `lefts` before every one of `rights`. */
function crossed(lefts: readonly string[], rights: readonly string[]): string[] {
  return lefts.flatMap((left) => rights.map((right) => `${left} ${right}`));
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
