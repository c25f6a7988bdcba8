/** Makes any picture that the browser can read one that the catalogue takes, before it is sent. */

import type { PictureFault } from './draft';
import { MAX_PICTURE_BYTES, MAX_PICTURE_PIXELS } from './templateLimits';

/** Width and height of a stored picture: more is of no use. */
const SIDE = 512;
const MAX_FILE_BYTES = 64 * 1024 * 1024;
/** How PNG, JPEG and WebP begin; a dot is any byte. */
const SIGNATURES = ['\x89PNG\r\n', '\xff\xd8\xff', 'RIFF....WEBP'];

export class PictureRefused extends Error {
  readonly fault: PictureFault;

  constructor(fault: PictureFault) {
    super(`The picture is ${fault}.`);
    this.fault = fault;
  }
}

/**
 * The file itself where the catalogue takes it, else the same picture smaller and as PNG: photos of a phone are far
 * larger than a template needs. Raises PictureRefused.
 */
export async function fitPicture(file: Blob): Promise<Blob> {
  if (file.size > MAX_FILE_BYTES) throw new PictureRefused('too_large');
  const image = await decoded(file);
  try {
    if (fits(file, image) && (await isOfTakenKind(file))) return file;
    return await smaller(image);
  } finally {
    image.close();
  }
}

/** Standard base64, as bytes are written in JSON. */
export async function base64(blob: Blob): Promise<string> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let binary = '';
  const chunk = 0x8000; // as many arguments as every browser takes in a call
  for (let at = 0; at < bytes.length; at += chunk) binary += String.fromCharCode(...bytes.subarray(at, at + chunk));
  return btoa(binary);
}

/** Whether it is a PNG, JPEG or WebP, told by its content: the name of a file may say anything. */
export async function isOfTakenKind(file: Blob): Promise<boolean> {
  const head = String.fromCharCode(...new Uint8Array(await file.slice(0, 12).arrayBuffer()));
  return SIGNATURES.some((signature) => [...signature].every((byte, at) => byte === '.' || byte === head[at]));
}

function fits(file: Blob, { width, height }: { width: number; height: number }): boolean {
  return file.size <= MAX_PICTURE_BYTES && width * height <= MAX_PICTURE_PIXELS;
}

/** The size with the same proportions whose longer side is at most 512. */
export function fittedSize(width: number, height: number): { width: number; height: number } {
  const scale = Math.min(1, SIDE / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

async function decoded(file: Blob): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file);
  } catch {
    throw new PictureRefused('unreadable');
  }
}

async function smaller(image: ImageBitmap): Promise<Blob> {
  const { width, height } = fittedSize(image.width, image.height);
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const context = canvas.getContext('2d');
  if (!context) throw new PictureRefused('unreadable');
  context.imageSmoothingQuality = 'high';
  context.drawImage(image, 0, 0, width, height);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
  if (!blob || blob.size > MAX_PICTURE_BYTES) throw new PictureRefused('too_large');
  return blob;
}
