import { spawn } from 'node:child_process';
import { Socket } from 'node:net';

/**
 * Reads folders of connections, and when nothing writes there any more, because this process has ended however it went, ends
 * the masters in them and removes them. It is in a session of its own, so that nothing meant for this process ends it too.
 */
const WATCH = `trap '' INT HUP TERM
while IFS= read -r folder; do set -- "$@" "$folder"; done
for folder do
  [ -O "$folder" ] && cd "$folder" || continue
  [ ! -S s ] || ssh -F none -S ./s -O exit gone
  cd /
  rm -rf "$folder"
done`;

let input: Socket | undefined;

/** Has what lies in this folder end with this process, also when that is killed. @param folder without a newline in its name */
export function watchFolder(folder: string): void {
  input ??= start();
  input.write(`${folder}\n`);
}

function start(): Socket {
  const child = spawn('/bin/sh', ['-c', WATCH, 'citadel-watch'], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.on('error', () => undefined);
  child.unref();
  const pipe = child.stdin;
  if (!(pipe instanceof Socket)) throw new Error('a pipe is no socket');
  pipe.on('error', () => undefined);
  pipe.unref();
  return pipe;
}
