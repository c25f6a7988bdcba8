import { defineMessages, useMessages } from '../i18n';
import { toApiError, type ApiError } from './apiErrors';

export const errorMessages = defineMessages({
  en: {
    offline: 'No connection to IGE MOJI. Check your network and try again.',
    badInput: 'Something in this is not right.',
    unauthenticated: 'You need to log in for this.',
    forbidden: 'You may not do this.',
    notFound: 'This is not here, or not any more.',
    conflict: 'It was changed in the meantime. Load it again.',
    tooLarge: 'That is too large.',
    tooMany: 'That was a lot at once. Wait a little and try again.',
    unavailable: 'IGE MOJI is busy. Try again in a moment.',
    unexpected: 'Something went wrong on our side. Try again in a moment.',
  },
  ko: {
    offline: 'IGE MOJI에 연결할 수 없어요. 네트워크를 확인하고 다시 시도해 주세요.',
    badInput: '입력한 내용에 올바르지 않은 것이 있어요.',
    unauthenticated: '로그인이 필요해요.',
    forbidden: '이 작업을 할 권한이 없어요.',
    notFound: '찾을 수 없어요. 이미 삭제되었을 수 있어요.',
    conflict: '그 사이에 내용이 바뀌었어요. 새로 불러와 주세요.',
    tooLarge: '용량이 너무 커요.',
    tooMany: '요청이 너무 많아요. 잠시 후 다시 시도해 주세요.',
    unavailable: 'IGE MOJI가 바빠요. 잠시 후 다시 시도해 주세요.',
    unexpected: '문제가 생겼어요. 잠시 후 다시 시도해 주세요.',
  },
});

type Key = keyof (typeof errorMessages)['en'];

const BY_STATUS: Record<number, Key> = {
  0: 'offline',
  400: 'badInput',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'notFound',
  409: 'conflict',
  413: 'tooLarge',
  429: 'tooMany',
  503: 'unavailable',
  504: 'unavailable',
};

/**
 * Return a function that maps an error to a message in the current language. A feature can add messages for reasons:
 * `errorMessage(error, { EMOJI_NOT_FOUND: t.gone })`.
 */
export function useErrorMessage() {
  const messages = useMessages(errorMessages);
  return (error: unknown, byReason: Record<string, string> = {}): string => {
    const { status, reason } = isApiError(error) ? error : toApiError(error);
    return byReason[reason] ?? messages[BY_STATUS[status] ?? 'unexpected'];
  };
}

function isApiError(error: unknown): error is ApiError {
  return typeof error === 'object' && error !== null && 'fields' in error && 'reason' in error;
}
