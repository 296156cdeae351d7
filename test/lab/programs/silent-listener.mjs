// Accepts TCP connections and never says a word: a host that hangs. Run by the lab on the operator's side (faults.ts).
// Arguments: address, port (0: any). Prints "listening PORT"; ends with its standard input.
import net from 'node:net';

const [address = '127.0.0.1', port = '0'] = process.argv.slice(2);
const server = net.createServer((socket) => socket.on('error', () => undefined).resume());
server.listen(Number(port), address, () => process.stdout.write(`listening ${server.address().port}\n`));
process.stdin.on('end', () => process.exit(0)).resume();
