import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';

/**
 * A self-signed certificate for one process's life, built from the few DER elements it needs.
 *
 * A certificate library adds 80 to 200 ms to the start-up (measured with @peculiar/x509, bundled and
 * minified: 1.8 to 3 times `node -e 0`); this takes about one millisecond, and Terraform starts the provider
 * two to five times in every command. Structure: RFC 5280, section 4.1; DER: X.690.
 */
export interface ServerIdentity {
  /** The certificate as DER; the handshake line carries it. */
  readonly certificate: Buffer;
  /** The same as PEM, for a TLS server. */
  readonly certificatePem: string;
  /** PKCS#8 PEM, P-256. */
  readonly keyPem: string;
}

const DAY_MS = 86_400_000;

/** @param now the clock, in milliseconds since 1970; the certificate holds from an hour before to a week after. */
export function createServerIdentity(now: number): ServerIdentity {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const certificate = selfSigned(
    publicKey,
    privateKey,
    new Date(now - 3_600_000),
    new Date(now + 7 * DAY_MS),
  );
  const body = certificate.toString('base64').replace(/(.{64})(?=.)/g, '$1\n');
  return {
    certificate,
    certificatePem: `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`,
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

const TAG = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  /** `[0]`, constructed: the version of a TBSCertificate. */
  version: 0xa0,
  /** `[3]`, constructed: its extensions. */
  extensions: 0xa3,
  /** `[2]`, primitive: a dNSName among GeneralNames. */
  dnsName: 0x82,
} as const;

// Object identifiers, already in their DER encoding.
const ECDSA_WITH_SHA256 = Buffer.from('2a8648ce3d040302', 'hex');
const COMMON_NAME = Buffer.from('550403', 'hex');
const SUBJECT_ALT_NAME = Buffer.from('551d11', 'hex');

/** Terraform's client asks for this name, and a certificate without it as a SAN is refused. */
const SERVER_NAME = 'localhost';

function selfSigned(publicKey: KeyObject, privateKey: KeyObject, notBefore: Date, notAfter: Date): Buffer {
  const algorithm = der(TAG.sequence, der(TAG.oid, ECDSA_WITH_SHA256));
  const commonName = der(
    TAG.sequence,
    der(TAG.oid, COMMON_NAME),
    der(TAG.utf8String, Buffer.from(SERVER_NAME)),
  );
  const name = der(TAG.sequence, der(TAG.set, commonName));
  const altNames = der(TAG.sequence, der(TAG.dnsName, Buffer.from(SERVER_NAME)));
  const san = der(TAG.sequence, der(TAG.oid, SUBJECT_ALT_NAME), der(TAG.octetString, altNames));
  const body = der(
    TAG.sequence,
    der(TAG.version, der(TAG.integer, Buffer.of(2))),
    der(TAG.integer, serialNumber()),
    algorithm,
    name,
    der(TAG.sequence, time(notBefore), time(notAfter)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(TAG.extensions, der(TAG.sequence, san)),
  );
  const signature = sign('sha256', body, privateKey);
  return der(TAG.sequence, body, algorithm, der(TAG.bitString, Buffer.concat([Buffer.of(0), signature])));
}

/** Positive and without a leading zero byte, as DER wants integers. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}

/** RFC 5280, 4.1.2.5: UTCTime until 2049, GeneralizedTime from 2050. */
function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/[-:T]|\.\d+/g, '');
  return date.getUTCFullYear() < 2050
    ? der(TAG.utcTime, Buffer.from(digits.slice(2)))
    : der(TAG.generalizedTime, Buffer.from(digits));
}

function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const body = Buffer.concat(contents);
  return Buffer.concat([Buffer.of(tag), length(body.length), body]);
}

function length(size: number): Buffer {
  if (size < 0x80) return Buffer.of(size);
  return size < 0x100 ? Buffer.of(0x81, size) : Buffer.of(0x82, size >> 8, size & 0xff);
}
