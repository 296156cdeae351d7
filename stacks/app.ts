import site from '../citadel.config.js';

/** What this site's inventory becomes; see `Site`. */
export const { buildHosts, buildTree, roles } = site;
