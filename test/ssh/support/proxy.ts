import { connect as connectTcp, createServer, type AddressInfo, type Socket } from 'node:net';

export interface Proxy {
  readonly port: number;
  /** Milliseconds that every byte is on its way, each direction. May be changed at any time. */
  delayMs: number;
  /** When true, nothing passes any more, and no one is told: a cable pulled out. */
  cut: boolean;
  /** Bytes that have passed, by direction. */
  readonly bytes: { up: number; down: number };
  /** How many have been made. */
  connections: number;
  /**
   * What the near side did, in order: `u` for something sent, `d` for something received, repeats left out.
   * With a delay longer than either side thinks, each `ud` is one round trip.
   */
  trace: string;
  /** Breaks every connection (RST). */
  reset(): void;
  close(): Promise<void>;
}

/** A TCP relay on loopback that adds latency, goes silent or breaks off. */
export async function startProxy(targetPort: number): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const bytes = { up: 0, down: 0 };
  const server = createServer((near) => {
    proxy.connections += 1;
    const far = connectTcp({ port: targetPort, host: '127.0.0.1', noDelay: true });
    near.setNoDelay(true);
    relay(near, far, 'up');
    relay(far, near, 'down');
  });
  const note = (event: string): void => {
    if (!proxy.trace.endsWith(event)) proxy.trace += event;
  };
  const relay = (from: Socket, to: Socket, direction: 'up' | 'down'): void => {
    sockets.add(from);
    const later = (deliver: () => void): void => {
      setTimeout(() => {
        if (!proxy.cut) deliver();
      }, proxy.delayMs);
    };
    from.on('data', (chunk: Buffer) => {
      if (direction === 'up') note('u');
      later(() => {
        if (direction === 'down') note('d');
        bytes[direction] += chunk.length;
        if (to.writable) to.write(chunk);
      });
    });
    from.on('end', () => later(() => to.end()));
    from.on('error', () => undefined);
    from.on('close', () => {
      sockets.delete(from);
      later(() => to.destroy());
    });
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: Proxy = {
    port: (server.address() as AddressInfo).port,
    delayMs: 0,
    cut: false,
    bytes,
    connections: 0,
    trace: '',
    reset: () => {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
  return proxy;
}
