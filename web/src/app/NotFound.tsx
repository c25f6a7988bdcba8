import { useRouteError } from 'react-router';

import { EmptyState } from '@/components/EmptyState';
import { LinkButton } from '@/components/LinkButton';
import { useTitle } from '@/components/Page';

import { defineMessages, useMessages } from '@/lib/i18n';

const messages = defineMessages({
  en: {
    lost: 'There is nothing here',
    lostMore: 'The link may be old, or there is a typing mistake in it.',
    broken: 'Something broke',
    brokenMore: 'This screen could not be shown. Loading it again often helps.',
    home: 'To the start',
  },
  ko: {
    lost: '여기에는 아무것도 없어요',
    lostMore: '링크가 오래되었거나 주소가 잘못되었을 수 있어요.',
    broken: '문제가 생겼어요',
    brokenMore: '화면을 표시하지 못했어요. 다시 불러오면 대부분 해결돼요.',
    home: '처음으로',
  },
});

/** For addresses that there are not, and for screens that break. */
export function Lost() {
  const t = useMessages(messages);
  const broken = useRouteError() != null;
  const title = broken ? t.broken : t.lost;
  useTitle(title);
  return (
    <EmptyState
      face={broken ? 'fear' : 'surprise'}
      title={title}
      action={
        <LinkButton to="/" variant="contained" reloadDocument={broken}>
          {t.home}
        </LinkButton>
      }
    >
      {broken ? t.brokenMore : t.lostMore}
    </EmptyState>
  );
}
