import { describe, expect, it } from 'vitest';
import { hostPort, urlHost } from '../../lib/text/address.js';

describe('an address before a port', () => {
  it.each([
    ['192.168.10.35', 9100, '192.168.10.35:9100'],
    ['ai-node.example', 443, 'ai-node.example:443'],
    ['fd00::35', 9100, '[fd00::35]:9100'],
    ['::1', 80, '[::1]:80'],
    // Written with brackets by someone who knew.
    ['[fd00::35]', 9100, '[fd00::35]:9100'],
  ])('%s and %i are %s', (address, port, wanted) => {
    expect(hostPort(address, port)).toBe(wanted);
    const { hostname, port: read } = new URL(`http://${hostPort(address, port)}/metrics`);
    expect([hostname, read === '' ? 80 : Number(read)]).toEqual([urlHost(address), port]);
  });
});
