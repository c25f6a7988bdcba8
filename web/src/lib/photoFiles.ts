/** Checks of a photo in the browser before it is uploaded, by the server's rules. */

export const MAX_PHOTO_BYTES = 16 * 2 ** 20;
/** Quota of open tasks per user. */
export const MAX_OPEN_TASKS = 5;
/** For file choosers. HEIC also by extension: many systems have no media type for it. */
export const ACCEPTED_PHOTO_TYPES = 'image/jpeg,image/png,image/webp,image/heic,image/heif,.heic,.heif';

export type PhotoFormat = 'jpeg' | 'png' | 'webp' | 'heic';
export type PhotoFileError = 'empty' | 'too_large' | 'unknown_kind' | 'unreadable';

const SIGNATURE_BYTES = 32;
/** Brands of ISO base media files that hold HEVC pictures (ISO/IEC 23008-12, annex B), and the general ones. */
const HEIC_BRANDS = ['heic', 'heix', 'hevc', 'hevx', 'heim', 'heis', 'mif1', 'msf1'];

/** Return the format by the first bytes, or undefined. The name and the media type are not trusted. */
export function photoFormat(bytes: Uint8Array): PhotoFormat | undefined {
  if (starts(bytes, 0, [0xff, 0xd8, 0xff])) return 'jpeg';
  if (starts(bytes, 0, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return 'png';
  if (text(bytes, 0, 4) === 'RIFF' && text(bytes, 8, 12) === 'WEBP') return 'webp';
  if (text(bytes, 4, 8) === 'ftyp' && HEIC_BRANDS.includes(text(bytes, 8, 12))) return 'heic';
  return undefined;
}

/** Return why a file is not accepted, or undefined if it is. */
export async function checkPhotoFile(file: Blob): Promise<PhotoFileError | undefined> {
  if (file.size === 0) return 'empty';
  if (file.size > MAX_PHOTO_BYTES) return 'too_large';
  try {
    const head = new Uint8Array(await file.slice(0, SIGNATURE_BYTES).arrayBuffer());
    return photoFormat(head) ? undefined : 'unknown_kind';
  } catch {
    // The file was moved since it was chosen, or is in a cloud storage that cannot be reached.
    return 'unreadable';
  }
}

/** Return the files of a paste or a drop. Pictures dragged out of a page carry no file and are ignored. */
export function filesOf(transfer: DataTransfer | null): File[] {
  return transfer ? Array.from(transfer.files) : [];
}

/** Return whether a drag carries files; dragged text must not highlight the page. */
export function carriesFiles(transfer: DataTransfer | null): boolean {
  return transfer?.types.includes('Files') ?? false;
}

function starts(bytes: Uint8Array, at: number, expected: number[]): boolean {
  return expected.every((byte, index) => bytes[at + index] === byte);
}

function text(bytes: Uint8Array, from: number, to: number): string {
  return String.fromCharCode(...bytes.subarray(from, to));
}
