// Connects as the JSON in its argument says, tells so on standard output, and stays.
import { connect, type ConnectOptions } from '../../../lib/ssh/index.js';

const { ask, ...options } = JSON.parse(process.argv[2] ?? '{}') as ConnectOptions & {
  readonly ask?: boolean;
};
const person = { tell: (line: string): void => void process.stderr.write(`${line}\n`) };
const connection = await connect(ask === true ? { ...options, person } : options);
process.stdout.write('connected\n');
setTimeout(() => void connection.close(), 60_000);
