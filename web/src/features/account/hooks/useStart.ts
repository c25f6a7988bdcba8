import { useNavigate } from 'react-router';

import { useStartGuestMutation } from '@/lib/api/accounts';
import { useErrorMessage } from '@/lib/api/errorMessages';
import { selectUser } from '@/lib/api/session';
import { notified } from '@/lib/notices';
import { useAppDispatch, useAppSelector } from '@/lib/store';

/** Navigate to `to` at once; without a session as a guest. */
export function useStart(to = '/make') {
  const user = useAppSelector(selectUser);
  const dispatch = useAppDispatch();
  const errorMessage = useErrorMessage();
  const navigate = useNavigate();
  const [startGuest, { isLoading }] = useStartGuestMutation();

  async function start() {
    if (!user) {
      const { error } = await startGuest();
      if (error) {
        dispatch(notified(errorMessage(error), 'error'));
        return;
      }
    }
    await navigate(to);
  }

  return { start: () => void start(), isLoading };
}
