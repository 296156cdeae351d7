// A TCP proxy that adds distance, stalls, or breaks. The lab runs it on the operator's side (faults.ts).
// Arguments: target address, target port, round trip in milliseconds, bytes towards the target after which every
// connection breaks (0: never). Prints "listening PORT". Reads commands, one a line: cut, stall, resume, stats.
// Ends with its standard input, so that it never outlives the test.
import net from 'node:net';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';

const [target = '', targetPort = '', roundTrip = '0', breakAfter = '0'] = process.argv.slice(2);
const oneWayMs = Number(roundTrip) / 2;
const limit = Number(breakAfter);
const pairs = new Set();
const stats = { connections: 0, toTarget: 0, fromTarget: 0 };
let stalled = false;

/** Hands pieces on in their order, each `oneWayMs` after it came. */
function forward(from, to, count) {
  let ended = false;
  const queue = [];
  let timer;
  const flush = () => {
    timer = undefined;
    while (!stalled && queue.length > 0 && queue[0].due <= performance.now()) to.write(queue.shift().chunk);
    if (!stalled && queue.length === 0 && ended) to.end();
    if (queue.length > 0)
      timer = setTimeout(flush, stalled ? 20 : Math.max(0, queue[0].due - performance.now()));
    else if (stalled && ended) timer = setTimeout(flush, 20);
  };
  from.on('data', (chunk) => {
    count(chunk.length);
    queue.push({ chunk, due: performance.now() + oneWayMs });
    timer ??= setTimeout(flush, oneWayMs);
  });
  from.on('end', () => {
    ended = true;
    timer ??= setTimeout(flush, oneWayMs);
  });
}

function cut() {
  for (const [client, upstream] of pairs) {
    client.resetAndDestroy();
    upstream.resetAndDestroy();
  }
}

const server = net.createServer({ noDelay: true, allowHalfOpen: true, pauseOnConnect: true }, (client) => {
  stats.connections += 1;
  // The client believes that it is connected already: hold everything for the handshake that a distant host would need.
  const timer = setTimeout(() => {
    const upstream = net.connect({
      host: target,
      port: Number(targetPort),
      noDelay: true,
      allowHalfOpen: true,
    });
    const pair = [client, upstream];
    pairs.add(pair);
    let sent = 0;
    forward(client, upstream, (bytes) => {
      sent += bytes;
      stats.toTarget += bytes;
      if (limit > 0 && sent > limit) cut();
    });
    forward(upstream, client, (bytes) => {
      stats.fromTarget += bytes;
    });
    for (const socket of pair) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        pairs.delete(pair);
        // What is under way still arrives.
        setTimeout(() => pair.forEach((one) => one.destroy()), oneWayMs + 1000);
      });
    }
    client.resume();
  }, oneWayMs * 3);
  client.on('error', () => undefined);
  client.on('close', () => clearTimeout(timer));
});

server.listen(0, '127.0.0.1', () => process.stdout.write(`listening ${server.address().port}\n`));
createInterface({ input: process.stdin })
  .on('line', (command) => {
    if (command === 'cut') cut();
    else if (command === 'stall') stalled = true;
    else if (command === 'resume') stalled = false;
    if (command === 'cut' || command === 'stall' || command === 'resume') process.stdout.write('done\n');
    if (command === 'stats') process.stdout.write(`${JSON.stringify(stats)}\n`);
  })
  .on('close', () => process.exit(0));
