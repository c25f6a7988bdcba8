/** The app's own pictures for the expressions. */

import happy from '@lobehub/fluent-emoji-3d/assets/1f604.webp';
import neutral from '@lobehub/fluent-emoji-3d/assets/1f610.webp';
import angry from '@lobehub/fluent-emoji-3d/assets/1f621.webp';
import sad from '@lobehub/fluent-emoji-3d/assets/1f622.webp';
import fear from '@lobehub/fluent-emoji-3d/assets/1f628.webp';
import surprise from '@lobehub/fluent-emoji-3d/assets/1f62e.webp';
import disgust from '@lobehub/fluent-emoji-3d/assets/1f922.webp';

import type { Expression } from '@/lib/expressions';

export const EXPRESSION_PICTURES: Record<Expression, string> = { angry, disgust, fear, happy, sad, surprise, neutral };
