// Times and sizes as people read them.

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
