import { z } from 'zod';
import { Journald, JournalUpload, type Host } from '../../constructs/index.js';
import { secret } from '../../constructs/secret.js';
import { Duration, Size } from '../../constructs/units.js';
import { secretName } from '../../manifest/index.js';

/** The journal of a host, `journal:`. */
export const journalSchema = z
  .strictObject({
    maxUseGiB: z
      .number()
      .min(0.0625)
      .max(4096)
      .multipleOf(0.0625)
      .default(2)
      .describe('How much of the disk the journal may use, in GiB'),
    maxAgeDays: z
      .number()
      .int()
      .min(1)
      .max(3650)
      .optional()
      .describe('Days after which entries go, even where there is room (default: none)'),
    upload: z
      .strictObject({
        url: z
          .string()
          .describe('The machine that keeps it: https://HOST or https://HOST:PORT, 19532 if none is named'),
        authority: secretName
          .optional()
          .describe(
            'Name of the secret with the certificate of its authority, as PEM (default: what Debian trusts)',
          ),
        certificate: secretName
          .optional()
          .describe(
            'Name of the secret with the certificate that this host shows, as PEM; https needs one, and its key',
          ),
        key: secretName.optional().describe('Name of the secret with its private key, as PEM'),
      })
      .refine(({ certificate, key }) => (certificate === undefined) === (key === undefined), {
        error: 'certificate and key go together: name both, or neither',
      })
      .optional()
      .describe('Where else all that the host logs is kept, by systemd-journal-upload (default: nowhere)'),
  })
  .prefault({})
  .describe('Limits of the host’s journal, and where else it is kept');

export type JournalInventory = z.infer<typeof journalSchema>;

export function buildJournal(host: Host, { maxUseGiB, maxAgeDays, upload }: JournalInventory): void {
  new Journald(host, 'journal', {
    name: 'citadel',
    maxUse: Size.mebibytes(maxUseGiB * 1024),
    ...(maxAgeDays === undefined ? {} : { maxAge: Duration.days(maxAgeDays) }),
  });
  if (upload === undefined) return;
  const { url, authority, certificate, key } = upload;
  new JournalUpload(host, 'journal-upload', {
    url,
    ...(authority === undefined ? {} : { authority: secret(authority) }),
    ...(certificate === undefined || key === undefined
      ? {}
      : { certificate: { certificate: secret(certificate), key: secret(key) } }),
  });
}
