import fc from 'fast-check';

/**
 * Random tests draw the same values in every run: a red `npm test` is the change's doing. Other seeds are for
 * `npm run check:long fuzz`, which sets `CITADEL_SEED`.
 */
fc.configureGlobal({ seed: Number(process.env['CITADEL_SEED'] ?? 1) });
