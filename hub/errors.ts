// The sentences for what a hub refuses, and the class for a hub that cannot be reached.
import { UserError } from '../util/errors.ts';
import type { HubSettings } from './settings.ts';

/** The hub did not answer, or must not be asked: what the cache holds may still do. */
export class HubUnreachable extends UserError {}

/** The hub answered that it does not have it. */
export class HubNotFound extends UserError {}

/** The hub answered that this user may not have it (401, 403). */
export class HubRefused extends UserError {}

const codes: Readonly<Record<string, string>> = {
  ENOTFOUND: 'its name cannot be resolved; is there a network?',
  EAI_AGAIN: 'its name cannot be resolved; is there a network?',
  ECONNREFUSED: 'it refuses the connection',
  ENETUNREACH: 'there is no network',
  EHOSTUNREACH: 'there is no way to it',
  ECONNRESET: 'it closed the connection',
  EPIPE: 'it closed the connection',
  ETIMEDOUT: 'it does not answer',
  UND_ERR_SOCKET: 'it closed the connection',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer',
  UND_ERR_HEADERS_TIMEOUT: 'it does not answer',
  UND_ERR_BODY_TIMEOUT: 'it stopped sending',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not signed by an authority',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not signed by a known authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not signed by a known authority',
};

/** Failures that do not pass within seconds: trying again at once would only keep the user waiting. */
const lasting = ['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'ENETUNREACH', 'EHOSTUNREACH', 'ETIMEDOUT'];

/** The system's code of a failed request, from the error or from what caused it. */
export function networkCode(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as NodeJS.ErrnoException;
    if (typeof code === 'string') return code;
  }
  return undefined;
}

/** True for a failure that will still be there in a second. */
export function isLasting(error: unknown): boolean {
  const code = networkCode(error) ?? '';
  return lasting.includes(code) || /CERT|VERIFY/.test(code);
}

/** Why a request got no answer, in words. */
export function networkReason(error: unknown): string {
  const code = networkCode(error);
  return codes[code ?? ''] ?? code ?? 'no answer came';
}

/** The sentence for a request that got no answer. */
export function unreachable(url: string, error: unknown): HubUnreachable {
  return new HubUnreachable(`cannot reach '${new URL(url).host}': ${networkReason(error)}`, { cause: error });
}

/** The sentence for an answer that is an error; `what` names what was asked for, such as `hf://org/name`. */
export function refusal(response: Response, what: string, repo: string, settings: HubSettings): UserError {
  const { status } = response;
  const code = response.headers.get('x-error-code') ?? '';
  const hasToken = settings.token() !== undefined;
  if (code === 'GatedRepo' || (status === 403 && code === '')) return new HubRefused(gated(what, repo, settings));
  if (code === 'RevisionNotFound')
    return new HubNotFound(`${what}: the hub knows the repository, but not this revision`);
  if (code === 'EntryNotFound') return new HubNotFound(`${what}: the repository has no such file`);
  if (status === 401)
    return new HubRefused(`${what}: the hub does not know it, or it is private; ${tokenAdvice(hasToken)}`);
  if (status === 403) return new HubRefused(`${what}: the hub refuses access; ${tokenAdvice(hasToken)}`);
  if (status === 404) return new HubNotFound(`${what}: the hub does not have it; check the spelling`);
  if (status === 429) return new HubUnreachable(`${what}: the hub asks to wait (too many requests); try again later`);
  return new HubUnreachable(`${what}: the hub answered with status ${status}`);
}

function gated(what: string, repo: string, settings: HubSettings): string {
  const page = `${settings.endpoint}/${repo}`;
  const token =
    settings.token() === undefined ? 'set HF_TOKEN to a token of yours' : 'use a token of that account (HF_TOKEN)';
  return `${what}: its owner lets in only who accepts the licence; accept the licence at ${page} and ${token}`;
}

function tokenAdvice(hasToken: boolean): string {
  return hasToken
    ? 'check the spelling and whether the token (HF_TOKEN) may read it'
    : 'check the spelling, or set HF_TOKEN to a token that may read it';
}
