/** Entry point of a test's provider: the provider's own process and server with a DOUBLE of the engine. */
import { runProvider } from '../../../lib/terraform/provider/run.js';
import { serveWith } from '../../../lib/terraform/provider/serve-with.js';
import { engineDouble } from './engine-double.js';

runProvider(() =>
  Promise.resolve({ serve: (options) => serveWith(() => Promise.resolve(engineDouble), options) }),
);
