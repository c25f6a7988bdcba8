import { Navigate, Outlet, useLocation } from 'react-router';

import { selectSessionStatus, selectUser } from '@/lib/api/session';
import { PageSkeleton } from '@/components/Skeletons';

import { useAppSelector } from './store';

/** Routes for who is logged in; the others come back here after they did. */
export function RequireUser({ operator = false }: { operator?: boolean }) {
  const status = useAppSelector(selectSessionStatus);
  const user = useAppSelector(selectUser);
  const { pathname, search } = useLocation();
  if (status === 'unknown') return <PageSkeleton />;
  if (!user) return <Navigate to="/login" replace state={{ from: pathname + search }} />;
  if (operator && user.role !== 'operator') return <Navigate to="/" replace />;
  return <Outlet />;
}
