/** sshd(8): options, if any, then the type and the key itself in base64, then a comment. */
export const AUTHORIZED_KEY =
  /^(?:\S(?:[^"]|"(?:[^"\\]|\\.)*")*\s)?((?:ssh-(?:rsa|ed25519|dss)|ecdsa-sha2-nistp(?:256|384|521)|sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)(?:-cert-v01@openssh\.com)?) +([A-Za-z0-9+/]+={0,3})(?:\s|$)/;

/**
 * Whether the key of a line is whole and of the type that the line says: it is a list of texts, each after its length in four
 * bytes, and the first is the type (RFC 4253, 6.6). sshd passes over any other without a word. One that is too short to tell
 * its type is not judged.
 */
export function isWholeKey(line: string): boolean {
  const [, type = '', base64 = ''] = AUTHORIZED_KEY.exec(line) ?? [];
  const key = Buffer.from(base64, 'base64');
  if (key.length < 4 + type.length) return true;
  let at = 0;
  while (at + 4 <= key.length) at += 4 + key.readUInt32BE(at);
  return at === key.length && key.subarray(4, 4 + key.readUInt32BE(0)).toString('latin1') === type;
}
