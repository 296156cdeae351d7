import { once } from 'node:events';
import { lstatSync, mkdirSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeFolder } from '../../lib/ssh/system/folder.js';
import { Mux } from '../../lib/ssh/system/mux.js';
import { Scratch } from './support/keys.js';

let scratch: Scratch;
const { TMPDIR, XDG_RUNTIME_DIR } = process.env;
beforeEach(async () => {
  scratch = await Scratch.make();
  process.env['TMPDIR'] = process.env['XDG_RUNTIME_DIR'] = scratch.path;
});
afterEach(async () => {
  delete process.env['TMPDIR'];
  delete process.env['XDG_RUNTIME_DIR'];
  Object.assign(
    process.env,
    TMPDIR === undefined ? {} : { TMPDIR },
    XDG_RUNTIME_DIR === undefined ? {} : { XDG_RUNTIME_DIR },
  );
  await scratch.remove();
});

it('of a run that was killed are swept, and no link of anyone is followed or taken away', () => {
  // No process has a number this high.
  const old = join(scratch.path, 'citadel-ctl-99999999-old');
  const target = join(scratch.path, 'target');
  for (const folder of [old, target]) {
    mkdirSync(folder);
    writeFileSync(join(folder, 'file'), '');
    utimesSync(folder, 0, 0);
  }
  const dangling = join(scratch.path, 'citadel-ctl-99999999-a');
  const link = join(scratch.path, 'citadel-ctl-99999999-b');
  symlinkSync(join(scratch.path, 'nowhere'), dangling);
  symlinkSync(target, link);
  makeFolder();
  expect(readdirSync(scratch.path)).not.toContain('citadel-ctl-99999999-old');
  expect([dangling, link].map((path) => lstatSync(path).isSymbolicLink())).toEqual([true, true]);
  expect(readdirSync(target)).toEqual(['file']);
});

it('of a control socket that does not answer are none once it is given up', async () => {
  const path = join(scratch.path, 's');
  const server = createServer();
  server.listen(path);
  await once(server, 'listening');
  const arrived = once(server, 'connection') as Promise<[Socket]>;
  let giveUp: (error: Error) => void = () => undefined;
  const opening = Mux.open(path, new Promise<never>((_, reject) => (giveUp = reject)));
  const [socket] = await arrived;
  const closed = once(socket.resume(), 'close');
  giveUp(new Error('given up'));
  await expect(opening).rejects.toThrow('given up');
  await closed;
  server.close();
});
