import { connect as connectBuiltIn } from './connect.js';
import type { ConnectOptions, SshConnection } from './types.js';

/**
 * Connects with the client that the options name; see `connect.ts` and `system/connect.ts`, which both keep the contract
 * of {@link SshConnection}.
 *
 * @throws SshError with the step that failed, within `deadlineSec`
 */
export async function connect(options: ConnectOptions): Promise<SshConnection> {
  if (options.client !== 'system') return connectBuiltIn(options);
  const { connectSystem } = await import('./system/connect.js');
  return connectSystem(options);
}
