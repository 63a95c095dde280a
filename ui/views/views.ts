// The views by their addresses.
import { curvesView } from './curves.ts';
import { diffView } from './diff.ts';
import { graphView, logView } from './graph.ts';
import { layersView } from './layers.ts';
import { resultView } from './result.ts';
import { runsView } from './runs.ts';
import { storeView } from './store.ts';
import type { View } from './view.ts';
import { whyView } from './why.ts';

export const views: ReadonlyMap<string, View> = new Map([
  ['/', runsView],
  ['/runs', runsView],
  ['/result', resultView],
  ['/diff', diffView],
  ['/graph', graphView],
  ['/log', logView],
  ['/curves', curvesView],
  ['/layers', layersView],
  ['/store', storeView],
  ['/why', whyView],
]);
