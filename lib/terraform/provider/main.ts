import { runProvider } from './run.js';

// The server in a chunk of its own: the handshake does not wait for it.
runProvider(() => import('./server.js'));
