// What would not fit on the disk: said before anything runs, not by the first write that fails after hours.
import { formatBytes } from '../../util/amounts.ts';
import { usualRecordTokens } from '../survey/cost.ts';
import { countUnits, type Survey } from '../survey/survey.ts';
import { type Device, deviceNamed } from './devices.ts';
import { estimateWork } from './estimate.ts';
import { identifyUnits } from './symbolic-key.ts';
import { firstOfEach } from './work.ts';

/** What has to stay free beside all outputs: for records, logs and the state of stages that are stopped. */
export const floor_bytes = 256 * 1024 * 1024;

/** Bytes that a run of what `survey` found will write, as far as its stages can say. */
export async function outputBytes(survey: Survey): Promise<number> {
  const units = await identifyUnits(survey);
  const identities = new Map(units.map(({ unit, identity }) => [unit, identity]));
  const device = deviceNamed('cpu') as Device;
  const options = { device, utilisation: device.utilisation, record_tokens: usualRecordTokens };
  return estimateWork({ distinct: firstOfEach(units), identities }, options).total.written_bytes;
}

/** Undefined where a run of what `survey` found fits into `free_bytes`, with the floor; otherwise what it takes and what there is, in words. */
export async function tooFullText(survey: Survey, free_bytes: number): Promise<string | undefined> {
  const { run, depends } = countUnits(survey.nodes);
  if (run + depends === 0) return undefined;
  const written_bytes = await outputBytes(survey);
  if (written_bytes + floor_bytes <= free_bytes) return undefined;
  const sizes = `${formatBytes(written_bytes)} of outputs, and ${formatBytes(floor_bytes)} have to stay free`;
  return `this run is estimated to write ${sizes}, but the disk of the store has ${formatBytes(free_bytes)}`;
}
