import { useNavigate } from 'react-router';

import { useStartGuestMutation } from '@/lib/api/accounts';
import { notified } from '@/lib/notices';
import { useExplain } from '@/lib/api/errorMessages';
import { useAppDispatch, useAppSelector } from '@/app/store';
import { selectUser } from '@/lib/api/session';

/** Begins at once: as a guest, or as who one is. */
export function useBegin(to = '/make') {
  const user = useAppSelector(selectUser);
  const dispatch = useAppDispatch();
  const explain = useExplain();
  const navigate = useNavigate();
  const [startGuest, { isLoading }] = useStartGuestMutation();

  async function begin() {
    if (!user) {
      const { error } = await startGuest();
      if (error) {
        dispatch(notified(explain(error), 'error'));
        return;
      }
    }
    await navigate(to);
  }

  return { begin: () => void begin(), isLoading };
}
