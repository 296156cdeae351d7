export { diskOf, mountSource, type Disk } from './disk.js';
export {
  StorageLayout,
  type LaidDirectory,
  type LaidLink,
  type StorageLayoutProps,
  type StoredModel,
} from './storage-layout.js';
