// Times and sizes as people read and write them.

/** `0:08`, `3:11`, `1:02:45`: minutes and seconds, with hours where there are some. */
export function formatDuration(duration_ms: number): string {
  const seconds = Math.max(0, Math.round(duration_ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (value: number) => String(value).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** `12.3 GB`: decimal units, three digits. */
export function formatBytes(size_bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let size = size_bytes;
  let unit = 0;
  while (size >= 999.5 && unit < units.length - 1) {
    size /= 1000;
    unit++;
  }
  return `${unit === 0 ? size : Number(size.toPrecision(3))} ${units[unit]}`;
}

/** `2 h`, `90 s`: a limit in the largest unit of which it is a whole number. */
export function formatLimit(limit_ms: number): string {
  const units = [
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1000],
  ] as const;
  const [name, unit_ms] = units.find(([, each_ms]) => limit_ms % each_ms === 0) ?? (['ms', 1] as const);
  return `${limit_ms / unit_ms} ${name}`;
}

const bytesOfUnit: Readonly<Record<string, number>> = {
  ...{ B: 1, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 },
  ...{ KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 },
};

const msOfUnit: Readonly<Record<string, number>> = {
  ...{ s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 },
};

/** What `readBytes` and `readTime` understand, for messages. */
export const sizeWords = 'a size such as 500MB, 4.5GB or 10GiB';
export const timeWords = 'a time such as 90s, 30min, 12h, 7d or 2w';

/** `4.5GB`, `500 MB`, `10GiB` in bytes; undefined for anything else. */
export function readBytes(text: string): number | undefined {
  return readAmount(text, bytesOfUnit);
}

/** `90s`, `30min`, `12h`, `7d`, `2w` in milliseconds; undefined for anything else. */
export function readTime(text: string): number | undefined {
  return readAmount(text, msOfUnit);
}

function readAmount(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, count, unit = ''] = /^(\d{1,12}(?:\.\d{1,6})?) ?([A-Za-z]+)$/.exec(text.trim()) ?? [];
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  if (count === undefined || factor === undefined) return undefined;
  const value = Math.round(Number(count) * factor);
  return value > 0 && Number.isSafeInteger(value) ? value : undefined;
}
