// Who may ask: this machine's own browser, on a page of this server. Other sites can make a browser send requests here, too.
import type { IncomingMessage } from 'node:http';

/** A refusal: its status and a sentence. */
export interface Refusal {
  status: number;
  message: string;
}

const hosts = ['127.0.0.1', 'localhost'];

/** Undefined for a request that may be answered. A foreign name that leads to this machine is in the Host header, and refused. */
export function refusalOf({
  headers,
  method,
  url = '',
}: Pick<IncomingMessage, 'headers' | 'method' | 'url'>): Refusal | undefined {
  const host = hostName(headers.host);
  if (host === undefined || !hosts.includes(host))
    return { status: 403, message: 'this page answers to http://127.0.0.1 and http://localhost alone' };
  if (url.length > longest) return { status: 414, message: 'the address is too long' };
  if (method !== 'GET' && method !== 'HEAD' && method !== 'POST')
    return { status: 405, message: `'${method}' has no meaning here` };
  if (method === 'POST' && headers.origin !== `http://${headers.host}`)
    return { status: 403, message: 'only this page itself may change something' };
  const site = headers['sec-fetch-site'];
  const isOwn = site === undefined || site === 'same-origin' || site === 'none';
  const isVisit =
    method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  return isOwn || isVisit ? undefined : { status: 403, message: 'another site may not ask this page' };
}

const longest = 16_000;

/** The name in `127.0.0.1:7317`, whatever the port: a tunnel has another one. */
function hostName(host: string | undefined): string | undefined {
  return /^([a-z0-9.-]+)(?::\d{1,5})?$/i.exec(host ?? '')?.[1]?.toLowerCase();
}

/** Sent with every answer: nothing from elsewhere, no script but this server's own files, no frame around it. */
export const guardHeaders: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};
