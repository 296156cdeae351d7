import type { Socket } from 'node:net';
import type { EnginePort } from './engine-port.js';
import { serveWith, type ServeOptions } from './serve-with.js';

/** The server with the real engine, which is loaded when the first request needs it. */
export function serve(options: ServeOptions): (socket: Socket) => void {
  return serveWith(loadEngine, options);
}

async function loadEngine(): Promise<EnginePort> {
  return (await import('./engine.js')).enginePort;
}
