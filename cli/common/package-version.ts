// The version of this package.
import { existsSync, readFileSync } from 'node:fs';

/** The version in package.json, which lies above the folders of the program: two above this file, or three where it is compiled. */
export function packageVersion(): string {
  const places = ['../../package.json', '../../../package.json'].map((place) => new URL(place, import.meta.url));
  const text = readFileSync(places.find((place) => existsSync(place)) as URL, 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
