import { useRouteError } from 'react-router';

import { EmptyState } from '@/components/EmptyState';
import { defineMessages, useMessages } from '@/lib/i18n';

const messages = defineMessages({
  en: {
    notFound: 'There is nothing here',
    notFoundMore: 'The link may be old, or there is a typing mistake in it.',
    broken: 'Something broke',
    brokenMore: 'This screen could not be shown. Loading it again often helps.',
    home: 'To the start',
  },
  ko: {
    notFound: '여기에는 아무것도 없어요',
    notFoundMore: '링크가 오래되었거나 주소가 잘못되었을 수 있어요.',
    broken: '문제가 생겼어요',
    brokenMore: '화면을 표시하지 못했어요. 다시 불러오면 대부분 해결돼요.',
    home: '처음으로',
  },
});

/** Page for unknown addresses; also the error boundary of the routes. */
export function NotFound() {
  const t = useMessages(messages);
  const broken = useRouteError() != null;
  return (
    <EmptyState
      page
      face={broken ? 'fear' : 'surprise'}
      title={broken ? t.broken : t.notFound}
      actionTo="/"
      actionLabel={t.home}
      reload={broken}
    >
      {broken ? t.brokenMore : t.notFoundMore}
    </EmptyState>
  );
}
