// Files out of PyPI's wheels: fetched by pip, unpacked by Python, installed nowhere.
import { join } from 'node:path';
import type { Site } from './recipe.ts';

/** The version of Python whose wheels are taken, whatever the machine's own is: of those that hold libraries alone, any does. */
const python = '3.12';

/** Fetches the wheels of these requirements and of nothing that they require. */
export async function fetchWheels({ fetched, call }: Site, requirements: readonly string[]): Promise<void> {
  const only = ['--no-deps', '--only-binary=:all:', '--python-version', python];
  await call(['python3', '-m', 'pip', 'download', '--no-input', '-q', ...only, '-d', fetched, ...requirements]);
}

/** Unpacks the files of all fetched wheels whose names begin with one of `prefixes`, and hold none of `without`, into `site` of the folder. */
export async function unpackWheels(
  { folder, fetched, call }: Site,
  prefixes: readonly string[],
  without: readonly string[] = [],
): Promise<void> {
  const given = JSON.stringify({ fetched, to: join(folder, 'site'), prefixes, without });
  await call(['python3', '-c', unpacking, given]);
}

/** What the fetched wheel of `name` requires for its extra part `extra`, as pip takes it. */
export async function requirementsOf({ fetched, call }: Site, name: string, extra: string): Promise<string[]> {
  const text = await call(['python3', '-c', requiring, JSON.stringify({ fetched, name, extra })]);
  return JSON.parse(text) as string[];
}

const unpacking = `
import glob, json, os, sys, zipfile
given = json.loads(sys.argv[1])
for path in sorted(glob.glob(os.path.join(glob.escape(given['fetched']), '*.whl'))):
    with zipfile.ZipFile(path) as wheel:
        for entry in wheel.infolist():
            name = entry.filename
            if name.startswith(tuple(given['prefixes'])) and not any(each in name for each in given['without']):
                wheel.extract(entry, given['to'])
`;

const requiring = `
import glob, json, os, sys, zipfile
given = json.loads(sys.argv[1])
[path] = glob.glob(os.path.join(glob.escape(given['fetched']), given['name'] + '-*.whl'))
with zipfile.ZipFile(path) as wheel:
    [metadata] = [name for name in wheel.namelist() if name.endswith('.dist-info/METADATA')]
    lines = wheel.read(metadata).decode().splitlines()
marked = [line[len('Requires-Dist:'):].split(';') for line in lines if line.startswith('Requires-Dist:')]
print(json.dumps([each[0].strip() for each in marked if len(each) == 2 and each[1].strip() == 'extra == "' + given['extra'] + '"']))
`;
