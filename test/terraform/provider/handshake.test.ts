import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createServerIdentity } from '../../../lib/terraform/provider/certificate.js';
import { handshakeLine, readHandshake, reattachValue } from '../../../lib/terraform/provider/handshake.js';

const COOKIE = 'd602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2';

describe('readHandshake', () => {
  it('sends a person who starts it by hand to the right command', () => {
    expect(readHandshake({})).toMatchObject({
      kind: 'refuse',
      message: expect.stringContaining('npx cdktf diff') as string,
    });
    expect(readHandshake({ TF_PLUGIN_MAGIC_COOKIE: 'x' }).kind).toBe('refuse');
  });

  it('takes protocol 6 in any order, and nothing else', () => {
    for (const versions of ['6', '5,6', '6,5', undefined]) {
      expect(readHandshake({ TF_PLUGIN_MAGIC_COOKIE: COOKIE, PLUGIN_PROTOCOL_VERSIONS: versions }).kind).toBe(
        'serve',
      );
    }
    expect(readHandshake({ TF_PLUGIN_MAGIC_COOKIE: COOKIE, PLUGIN_PROTOCOL_VERSIONS: '5' })).toMatchObject({
      kind: 'refuse',
    });
  });

  it('uses TLS when, and only when, there is a client certificate', () => {
    const env = { TF_PLUGIN_MAGIC_COOKIE: COOKIE, PLUGIN_CLIENT_CERT: 'PEM' };
    expect(readHandshake(env)).toEqual({ kind: 'serve', clientCertificate: 'PEM', multiplex: false });
    expect(readHandshake({ ...env, PLUGIN_CLIENT_CERT: '' })).toEqual({ kind: 'serve', multiplex: false });
  });
});

describe('handshakeLine', () => {
  it('has six fields, and the certificate without padding', () => {
    expect(handshakeLine('/tmp/s', Buffer.from([1]))).toBe('1|6|unix|/tmp/s|grpc|AQ\n');
    expect(handshakeLine('/tmp/s', undefined)).toBe('1|6|unix|/tmp/s|grpc|\n');
    expect(handshakeLine('/tmp/s', undefined, true)).toBe('1|6|unix|/tmp/s|grpc||false\n');
  });
});

describe('createServerIdentity', () => {
  it.each([Date.UTC(2026, 0, 1), Date.UTC(2049, 11, 31), Date.UTC(2060, 5, 1)])(
    'makes a certificate at %i',
    (now) => {
      const identity = createServerIdentity(now);
      const certificate = new X509Certificate(identity.certificate);
      expect(certificate.subjectAltName).toBe('DNS:localhost');
      expect(certificate.checkHost('localhost')).toBe('localhost');
      expect(certificate.verify(certificate.publicKey)).toBe(true);
      expect(Date.parse(certificate.validFrom)).toBe(now - 3_600_000);
      expect(Date.parse(certificate.validTo)).toBe(now + 7 * 86_400_000);
      expect(new X509Certificate(identity.certificatePem).fingerprint256).toBe(certificate.fingerprint256);
    },
  );

  it('never makes the same twice', () => {
    const serial = (): string => new X509Certificate(createServerIdentity(0).certificate).serialNumber;
    expect(serial()).not.toBe(serial());
  });
});

describe('reattachValue', () => {
  it('is what TF_REATTACH_PROVIDERS wants', () => {
    expect(JSON.parse(reattachValue('h/n/t', 7, '/s'))).toEqual({
      'h/n/t': {
        Protocol: 'grpc',
        ProtocolVersion: 6,
        Pid: 7,
        Test: true,
        Addr: { Network: 'unix', String: '/s' },
      },
    });
  });
});
