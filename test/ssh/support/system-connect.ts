// Connects as the JSON in its argument says, runs what that says, tells so on standard output, and stays. Heeds no Ctrl-C, but tells of it, and says then
// whether the connection still stands. Gives up after `abortMs`, and says then what the error says.
import { connect, type ConnectOptions } from '../../../lib/ssh/index.js';

const { ask, run, abortMs, ...options } = JSON.parse(process.argv[2] ?? '{}') as ConnectOptions & {
  readonly ask?: boolean;
  readonly run?: string;
  readonly abortMs?: number;
};
const person = { tell: (line: string): void => void process.stderr.write(`${line}\n`) };
const connection = await connect({
  ...options,
  ...(ask === true && { person }),
  ...(abortMs !== undefined && { signal: AbortSignal.timeout(abortMs) }),
}).catch((error: unknown): never => {
  if (abortMs === undefined) throw error;
  process.stdout.write(`${JSON.stringify(error)}\n`);
  process.exit(1);
});
process.on('SIGINT', () => {
  process.stdout.write('interrupted\n');
  process.stdin.once('end', () => {
    void connection
      .exec('echo in', { deadlineSec: 20 })
      .then(({ stdout }) => stdout.toString(), String)
      .then((answer) => process.stdout.write(answer))
      .finally(() => connection.close().then(() => process.exit()));
  });
  process.stdin.resume();
});
// What it runs is at work once it has said something.
if (run !== undefined) {
  await new Promise<void>((resolve) => {
    connection.exec(run, { deadlineSec: 300, onStdout: () => resolve() }).catch(() => undefined);
  });
}
process.stdout.write('connected\n');
setTimeout(() => void connection.close(), 60_000);
