import { CitadelError } from '../../manifest/index.js';
import { defineProgram } from '../remote/programs.js';
import type { Transport } from '../transport.js';

const SILENCE = defineProgram('citadel-silence', 'write', 'common.sh', 'silence.sh');

/** A request to an Alertmanager, made by its own host. */
export interface AlertmanagerRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly url: string;
  /** JSON; of a POST. */
  readonly body?: string;
}

/**
 * What the Alertmanager on a host answers.
 *
 * @throws CitadelError `silence.answer` where it does not answer, or refuses
 */
export async function askAlertmanager(
  transport: Transport,
  { method, url, body = '' }: AlertmanagerRequest,
  options: { readonly deadlineSec?: number; readonly signal?: AbortSignal } = {},
): Promise<string> {
  const { exitCode, stdout, stderr } = await transport.run(
    SILENCE,
    Buffer.from(`${method} ${url}\n${body}`),
    {
      deadlineSec: options.deadlineSec ?? 15,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    },
  );
  const [, answer = '', status = ''] = /^([^]*?)\n(\d{3})\n$/.exec(stdout.toString('utf8')) ?? [];
  if (exitCode === 0 && status.startsWith('2')) return answer;
  const said = exitCode === 0 ? `HTTP ${status}, ${answer.trim()}` : stderr.trim();
  throw new CitadelError({
    code: 'silence.answer',
    path: transport.description,
    got: `Alertmanager at ${url} did not do it: ${said.slice(0, 500) || `status ${String(exitCode)}`}`,
    fix: 'Look at its journal: journalctl -u prometheus-alertmanager -n 50',
  });
}
