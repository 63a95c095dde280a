// Choices among the people of the made-up world.
import type { Random } from '../../util/random.ts';
import { pick } from './choose.ts';
import { type Person, people } from './world.ts';

/** `count` people, no two with the same first name, so that first names are enough to tell them apart. */
export function pickPeople(random: Random, count: number): Person[] {
  const chosen: Person[] = [];
  while (chosen.length < count) {
    const person = pick(random, people);
    if (chosen.every(({ first }) => first !== person.first)) chosen.push(person);
  }
  return chosen;
}

/** Two people with different first names. */
export function pickTwo(random: Random): [Person, Person] {
  return pickPeople(random, 2) as [Person, Person];
}
