import { defineMessages, useMessages } from '../i18n';
import type { Step } from './taskState';

export const stepMessages = defineMessages({
  en: {
    TASK_STATE_QUEUED: 'Waiting for its turn',
    TASK_STATE_DECODING: 'Opening the photo',
    TASK_STATE_DETECTING: 'Looking for faces',
    TASK_STATE_CLASSIFYING: 'Reading expressions',
    TASK_STATE_COMPOSING: 'Putting emojis on',
  } satisfies Record<Step, string>,
  ko: {
    TASK_STATE_QUEUED: '차례를 기다리고 있어요',
    TASK_STATE_DECODING: '사진을 열고 있어요',
    TASK_STATE_DETECTING: '얼굴을 찾고 있어요',
    TASK_STATE_CLASSIFYING: '표정을 읽고 있어요',
    TASK_STATE_COMPOSING: '이모지를 씌우고 있어요',
  },
});

/** Messages for failed photos, by the error reason of the server or of this client. */
const failureMessages = defineMessages({
  en: {
    OFFLINE: 'The connection was lost. The photo is still here: send it again.',
    UNAUTHENTICATED: 'You were logged out. Log in, and send it again.',
    PHOTO_TOO_LARGE: 'This photo is larger than 16 MiB.',
    PHOTO_EMPTY: 'This file is empty.',
    PHOTO_NOT_RECOGNIZED: 'This is no photo in JPEG, PNG, WebP or HEIC format.',
    PHOTO_KIND_UNSUPPORTED: 'This rare kind of photo can’t be read. Save it as an ordinary JPEG or PNG.',
    PHOTO_TOO_MANY_PIXELS: 'This photo has more than 40 megapixels.',
    PHOTO_TRUNCATED: 'This photo is cut short: the file is incomplete.',
    PHOTO_DAMAGED: 'This photo is damaged and can’t be read.',
    EMOJI_NOT_FOUND: 'This emoji template is gone. Choose another one.',
    TOO_MANY_PHOTOS_TODAY: 'That was the last photo that you may make today. Come back tomorrow.',
    DATA_DAMAGED: 'This photo was damaged where we kept it. Send it again.',
    LIMIT: 'This photo took too long. Try a smaller one.',
    WORKER_LOST: 'Something went wrong while we worked on it. Try again.',
    CANCELLED: 'You stopped this photo.',
    TASK_NOT_FOUND: 'This photo is not here any more.',
    UNKNOWN: 'Something went wrong. Try again in a moment.',
  },
  ko: {
    OFFLINE: '연결이 끊겼어요. 사진은 그대로 있으니 다시 보내 주세요.',
    UNAUTHENTICATED: '로그아웃되었어요. 로그인한 뒤 다시 보내 주세요.',
    PHOTO_TOO_LARGE: '사진이 16MiB보다 커요.',
    PHOTO_EMPTY: '빈 파일이에요.',
    PHOTO_NOT_RECOGNIZED: 'JPEG, PNG, WebP, HEIC 형식의 사진이 아니에요.',
    PHOTO_KIND_UNSUPPORTED: '읽을 수 없는 드문 형식이에요. 일반 JPEG나 PNG로 저장해 주세요.',
    PHOTO_TOO_MANY_PIXELS: '사진이 4천만 화소보다 커요.',
    PHOTO_TRUNCATED: '사진 파일이 중간에 잘려 있어요.',
    PHOTO_DAMAGED: '사진이 손상되어 읽을 수 없어요.',
    EMOJI_NOT_FOUND: '이 이모지 템플릿은 이제 없어요. 다른 것을 골라 주세요.',
    TOO_MANY_PHOTOS_TODAY: '오늘 만들 수 있는 사진을 모두 만들었어요. 내일 다시 와 주세요.',
    DATA_DAMAGED: '보관하던 사진이 손상되었어요. 다시 보내 주세요.',
    LIMIT: '사진을 처리하는 데 너무 오래 걸려요. 더 작은 사진으로 해 보세요.',
    WORKER_LOST: '처리하던 중 문제가 생겼어요. 다시 시도해 주세요.',
    CANCELLED: '취소한 사진이에요.',
    TASK_NOT_FOUND: '사진을 찾을 수 없어요.',
    UNKNOWN: '문제가 생겼어요. 잠시 후 다시 시도해 주세요.',
  },
});

/** Return a function that maps the error reason of a photo to a message. */
export function useTaskFailureMessage(): (reason: string) => string {
  const t = useMessages(failureMessages);
  return (reason) => (reason in t ? t[reason as keyof typeof t] : t.UNKNOWN);
}
