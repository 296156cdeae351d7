import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HubServer } from '../doubles/hub-server.js';

/** `hub.ts ADDRESS PORT FOLDER`: the double of a hub that has a repository `drill/NAME` for each folder, until it is ended. */
const [host = '', port = '', folder = ''] = process.argv.slice(2);
const hub = await HubServer.start({ host, port: Number(port) });
for (const name of readdirSync(folder)) {
  const files = readdirSync(join(folder, name)).map((file) => {
    const content = readFileSync(join(folder, name, file));
    return [file, { content, large: file.endsWith('.safetensors') }] as const;
  });
  hub.repositories[`drill/${name}`] = { commit: 'd'.repeat(40), files: Object.fromEntries(files) };
}
process.stdout.write('ready\n');
