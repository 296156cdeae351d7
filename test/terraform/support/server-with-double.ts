/** Entry of a test's provider bundle: the provider's own server with a DOUBLE of the engine. */
import type { Socket } from 'node:net';
import { serveWith, type ServeOptions } from '../../../lib/terraform/provider/serve-with.js';
import { engineDouble } from './engine-double.js';

export function serve(options: ServeOptions): (socket: Socket) => void {
  return serveWith(() => Promise.resolve(engineDouble), options);
}

export function warm(): Promise<void> {
  return Promise.resolve();
}
