import { z } from 'zod';
import { absolutePath, secretName } from '../../../manifest/index.js';

const S3 = /^s3:https?:\/\/[^\s/?#@]+\/[^\s?#]+$/;
const REST = /^rest:https?:\/\/[^\s/?#@]+(\/[^\s?#]*)?$/;
/** Account, host and port, which become arguments of ssh, and an absolute path. */
const SFTP =
  /^sftp:\/\/(?<user>[a-z_][a-z0-9_-]*)@(?<host>[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:]+\])(?::(?<port>\d{1,5}))?\/\/[^\s?#]+$/;

/** Where an SFTP repository is, or `undefined` of another kind. IPv6 addresses come without brackets. */
export function sftpTarget(
  repository: string,
): { readonly user: string; readonly host: string; readonly port: number } | undefined {
  const { user, host, port } = SFTP.exec(repository)?.groups ?? {};
  if (user === undefined || host === undefined) return undefined;
  return { user, host: host.replace(/^\[|\]$/g, ''), port: Number(port ?? 22) };
}

const repository = z
  .union([z.string().regex(S3), z.string().regex(REST), z.string().regex(SFTP), absolutePath], {
    error:
      'is none of s3:https://HOST/BUCKET, rest:https://HOST/PATH, sftp://USER@HOST//PATH and an absolute path; an address with an account in it is a secret (repositorySecret)',
  })
  .meta({
    examples: ['s3:https://s3.example.org/bucket/dev-ops', 'sftp://backup@10.0.0.9//srv/restic/dev-ops'],
  });

const count = (most: number, fallback: number) => z.number().int().min(0).max(most).default(fallback);

/** What a host keeps elsewhere, `offsite:`. Each host has a repository and a password of its own. */
export const offsiteSchema = z
  .strictObject({
    repository: repository
      .optional()
      .describe(
        'Where restic keeps it: s3:https://HOST/BUCKET, rest:https://HOST/PATH, sftp://USER@HOST//PATH, or a folder',
      ),
    repositorySecret: secretName
      .optional()
      .describe('In its place: name of the secret that is the address, where it has an account in it'),
    password: secretName.describe(
      'Name of the secret: password that the repository is encrypted with; without it nothing comes back',
    ),
    s3: z
      .strictObject({
        accessKey: secretName.describe('Name of the secret: access key ID'),
        secretKey: secretName.describe('Name of the secret: secret access key'),
        region: z
          .string()
          .regex(/^[a-z0-9-]+$/, 'is not a region such as eu-central-1')
          .optional()
          .describe('Region of the bucket (default: the store’s own)'),
      })
      .optional()
      .describe('Keys of an S3 store'),
    sftp: z
      .strictObject({
        key: secretName.describe('Name of the secret: private SSH key, which only this host has'),
        hostKeys: z
          .array(
            z
              .string()
              .regex(
                /^(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]+=*$/,
                'is not a public key such as "ssh-ed25519 AAAA…"',
              ),
          )
          .min(1)
          .describe(
            'Public keys of the SFTP server, as its /etc/ssh/ssh_host_*_key.pub have them, without a remark',
          ),
      })
      .optional()
      .describe('How to log in to an SFTP store'),
    everyHours: z
      .literal([1, 2, 3, 4, 6, 8, 12, 24])
      .default(24)
      .describe('Hours between two snapshots; once a day is at three in the morning'),
    keep: z
      .strictObject({
        daily: count(365, 7).describe('Days of which the last snapshot stays'),
        weekly: count(520, 5).describe('Weeks of which the last snapshot stays'),
        monthly: count(240, 12).describe('Months of which the last snapshot stays'),
      })
      .refine(({ daily, weekly, monthly }) => daily + weekly + monthly > 0, 'keeps nothing')
      .prefault({})
      .describe('What stays when old snapshots are dropped, once a week'),
    appendOnly: z
      .boolean()
      .default(false)
      .describe(
        'Whether the store lets this host add only: it then drops nothing, and who keeps the store does',
      ),
    checkParts: z
      .number()
      .int()
      .min(1)
      .max(256)
      .default(8)
      .describe('Each weekly check reads one part of the data of so many: all of it after so many weeks'),
    paths: z
      .array(absolutePath)
      .default([])
      .describe('Files and folders to keep besides /etc and the data of the host’s roles'),
    exclude: z.array(absolutePath).default([]).describe('What of it is left out'),
  })
  .refine(
    (value) => (value.repository === undefined) !== (value.repositorySecret === undefined),
    'needs exactly one of "repository" and "repositorySecret"',
  )
  .refine(
    ({ repository: address, sftp }) => (sftp !== undefined) === (address?.startsWith('sftp:') ?? false),
    'needs "sftp" with a repository sftp://…, and with no other',
  )
  .refine(
    ({ repository: address, s3 }) =>
      address === undefined || (s3 !== undefined) === address.startsWith('s3:'),
    'needs "s3" with a repository s3:…, and with no other',
  );

export type OffsiteInventory = z.infer<typeof offsiteSchema>;
