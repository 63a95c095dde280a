// Stands between lamina and a server and does to requests what networks and servers do.
import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What is done to a request. `cut`: the connection ends, in the middle of the answer's body where it has one. `lost`: it is done, and the answer is not given. */
export type Fault = 'cut' | 'lost' | 'hang' | 'wrong-bytes' | number | { code: string; status: number; date?: Date };

/** Decides for each request; undefined lets it pass. */
export type Plan = (request: { method: string; path: string; query: string; count: number }) => Fault | undefined;

export interface FaultyProxy {
  endpoint: string;
  plan: Plan;
  /** Requests so far, and those that were done something to. */
  requests: number;
  faults: number;
  stop(): Promise<void>;
}

/** A proxy in front of `target`. The host that was signed is passed on, so signatures stay right. */
export async function startProxy(target: string, plan: Plan = () => undefined): Promise<FaultyProxy> {
  const server = createServer((request, response) => {
    const [path = '', query = ''] = (request.url ?? '').split('?');
    const fault = proxy.plan({ method: request.method ?? '', path, query, count: ++proxy.requests });
    if (fault !== undefined) proxy.faults++;
    serve(target, request, response, fault);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const proxy: FaultyProxy = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    plan,
    requests: 0,
    faults: 0,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
  return proxy;
}

function serve(target: string, request: IncomingMessage, response: ServerResponse, fault: Fault | undefined): void {
  if (fault === 'hang') return;
  if (typeof fault === 'number' || (typeof fault === 'object' && fault !== null)) {
    const { status, code, date } =
      typeof fault === 'number' ? { status: fault, code: 'InternalError', date: undefined } : fault;
    request.resume();
    response.writeHead(status, date === undefined ? {} : { date: date.toUTCString() });
    response.end(`<?xml version="1.0"?><Error><Code>${code}</Code></Error>`);
    return;
  }
  if (fault === 'cut' && request.method !== 'GET') {
    request.socket.destroy();
    return;
  }
  const passed = send(target + request.url, { method: request.method ?? 'GET', headers: request.headers }, (answer) => {
    const pieces: Buffer[] = [];
    answer.on('data', (piece: Buffer) => pieces.push(piece));
    answer.on('end', () => {
      const bytes = Buffer.concat(pieces);
      if (fault === 'lost') {
        request.socket.destroy();
        return;
      }
      if (fault === 'wrong-bytes' && bytes.length > 0)
        bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
      const { 'transfer-encoding': _, ...headers } = answer.headers;
      const length = request.method === 'HEAD' || answer.statusCode === 204 ? {} : { 'content-length': bytes.length };
      response.writeHead(answer.statusCode ?? 500, { ...headers, ...length });
      if (fault !== 'cut') response.end(bytes);
      else response.write(bytes.subarray(0, bytes.length >> 1), () => request.socket.destroy());
    });
  });
  passed.on('error', () => request.socket.destroy());
  request.pipe(passed);
}
