// The addresses of the page: what a view shows stands in its address, and nowhere else.

/** What was asked of a view; an address from outside may hold anything. */
export class Query {
  readonly #params: URLSearchParams;

  constructor(params: URLSearchParams) {
    this.#params = params;
  }

  /** One value, '' where there is none. */
  text(name: string): string {
    return (this.#params.get(name) ?? '').slice(0, longest);
  }

  all(name: string): string[] {
    return this.#params
      .getAll(name)
      .filter((each) => each !== '')
      .map((each) => each.slice(0, longest))
      .slice(0, most);
  }

  has(name: string): boolean {
    return this.#params.has(name);
  }

  /** A whole number from `least` on; `otherwise` for anything else. */
  number(name: string, least: number, otherwise: number): number {
    const text = this.text(name);
    const value = /^\d{1,9}$/.test(text) ? Number(text) : otherwise;
    return value >= least ? value : otherwise;
  }

  /** The address of the same view with some values changed; null takes a value away. */
  with(path: string, changes: Readonly<Record<string, string | readonly string[] | null>>): string {
    const params = new URLSearchParams(this.#params);
    for (const name of ['part', 'width']) params.delete(name);
    for (const [name, value] of Object.entries(changes)) {
      params.delete(name);
      for (const each of typeof value === 'string' ? [value] : (value ?? [])) params.append(name, each);
    }
    return addressOf(path, params);
  }
}

const longest = 4000;
const most = 500;

/** `/graph?run=a%401`. */
export function address(path: string, values: Readonly<Record<string, string | readonly string[]>> = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(values))
    for (const each of typeof value === 'string' ? [value] : value) params.append(name, each);
  return addressOf(path, params);
}

function addressOf(path: string, params: URLSearchParams): string {
  const text = params.toString();
  return text === '' ? path : `${path}?${text}`;
}
