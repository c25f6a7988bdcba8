import { Navigate, Outlet, useLocation } from 'react-router';

import { PageSkeleton } from '@/components/Skeletons';
import { selectSessionStatus, selectUser } from '@/lib/api/session';
import { useAppSelector } from '@/lib/store';

/** Guard for routes that need a login. After the login the user returns to the route. */
export function RequireUser({ operator = false }: { operator?: boolean }) {
  const status = useAppSelector(selectSessionStatus);
  const user = useAppSelector(selectUser);
  const { pathname, search } = useLocation();
  if (status === 'unknown') return <PageSkeleton />;
  if (!user) return <Navigate to="/login" replace state={{ from: pathname + search }} />;
  if (operator && user.role !== 'operator') return <Navigate to="/" replace />;
  return <Outlet />;
}
