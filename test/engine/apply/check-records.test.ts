import { expect, it } from 'vitest';
import { checkRecords } from '../../../lib/engine/apply/check-records.js';

it('writes checks in the order of their names, with what the host needs of a URL', () => {
  const records = checkRecords({
    web: { kind: 'http', url: 'http://[::1]/health?full=1', status: 204, timeoutSec: 2.2, wave: 1 },
    'a-unit': { kind: 'unit', unit: 'x.service', timeoutSec: 5, wave: 0 },
    port: { kind: 'tcp', host: '127.0.0.1', port: 9090, timeoutSec: 1, wave: 2 },
    tls: { kind: 'http', url: 'https://h:8443', status: 200, timeoutSec: 1, wave: 0 },
    vector: { kind: 'command', command: ['/bin/test', '-e', 'a b', ''], timeoutSec: 1, wave: 0 },
  });
  expect(records.split('\n').map((line) => line.split('\u001f'))).toEqual([
    ['unit', 'a-unit', '0', '5', 'x.service'],
    ['tcp', 'port', '2', '1', '127.0.0.1', '9090'],
    ['http', 'tls', '0', '1', '200', 'https://h:8443/', 'h', '8443', '/'],
    ['command', 'vector', '0', '1', '/bin/test', '-e', 'a b', ''],
    ['http', 'web', '1', '3', '204', 'http://[::1]/health?full=1', '::1', '80', '/health?full=1'],
    [''],
  ]);
});

it('writes nothing for no checks', () => {
  expect(checkRecords({})).toBe('');
});
