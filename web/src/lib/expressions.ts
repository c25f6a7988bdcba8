import { defineMessages, useMessages } from './i18n';

/** The seven expressions, in the order of the contract. */
export const EXPRESSIONS = ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral'] as const;
export type Expression = (typeof EXPRESSIONS)[number];

export function isExpression(name: string): name is Expression {
  return (EXPRESSIONS as readonly string[]).includes(name);
}

const messages = defineMessages({
  en: {
    angry: 'Angry',
    disgust: 'Disgusted',
    fear: 'Afraid',
    happy: 'Happy',
    sad: 'Sad',
    surprise: 'Surprised',
    neutral: 'Neutral',
  },
  ko: {
    angry: '화남',
    disgust: '역겨움',
    fear: '두려움',
    happy: '행복',
    sad: '슬픔',
    surprise: '놀람',
    neutral: '무표정',
  },
});

/** Return the names of the expressions in the current language. */
export function useExpressionNames(): Record<Expression, string> {
  return useMessages(messages);
}
