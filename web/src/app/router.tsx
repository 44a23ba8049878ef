import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router'
import { Root } from './root'
import { PageFailed } from './page_failed'
import { Shell } from './shell'
import { FocusPage } from './focus_page'
import { SignInPage } from '../session/sign_in_page'

const root = createRootRoute({
  component: Root,
  errorComponent: PageFailed,
  notFoundComponent: lazyRouteComponent(() => import('./not_found'), 'NotFound'),
})

/** Where nobody needs to be signed in. */
const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  component: SignInPage,
  validateSearch: (search): { to?: string; ended?: true } => ({
    ...search,
    to: typeof search.to === 'string' ? search.to : undefined,
    ended: search.ended === true ? true : undefined,
  }),
})

/** What is inside has the bar on top and the connection; who is not signed in sees the landing page or signs in. */
const shell = createRoute({ getParentRoute: () => root, id: 'shell', component: Shell })

const CLERK_ID = /^[A-Za-z0-9_-]{1,64}$/

/** Until today; a range of days is told by `from` and `to`. */
export const PERIODS = ['week', '7-days', '30-days'] as const
export type Period = (typeof PERIODS)[number]

/** The team's focus, as a page may ask for a part of it. */
export type TeamState = 'all' | 'late' | 'free'
const focus = createRoute({
  getParentRoute: () => shell,
  path: '/',
  component: FocusPage,
  validateSearch: (search): { show?: TeamState; find?: string } => ({
    show: search.show === 'late' || search.show === 'free' ? search.show : undefined,
    find: typeof search.find === 'string' ? search.find : undefined,
  }),
})
const history = createRoute({
  getParentRoute: () => shell,
  path: '/history',
  component: lazyRouteComponent(() => import('../history/page'), 'HistoryPage'),
  validateSearch: (search): { member?: string; period?: Period; from?: string; to?: string; archived?: boolean } => ({
    member: typeof search.member === 'string' && CLERK_ID.test(search.member) ? search.member : undefined,
    period: PERIODS.find((period) => period === search.period),
    from: typeof search.from === 'string' ? search.from : undefined,
    to: typeof search.to === 'string' ? search.to : undefined,
    archived: search.archived === true ? true : undefined,
  }),
})
const reports = createRoute({
  getParentRoute: () => shell,
  path: '/reports',
  component: lazyRouteComponent(() => import('../reports/page'), 'ReportsPage'),
  validateSearch: (search): { week?: string } => ({ week: typeof search.week === 'string' ? search.week : undefined }),
})
const notifications = createRoute({
  getParentRoute: () => shell,
  path: '/notifications',
  component: lazyRouteComponent(() => import('../notifications/page'), 'NotificationsPage'),
  validateSearch: (search): { unread?: true } => ({ unread: search.unread === true ? true : undefined }),
})
const settings = createRoute({
  getParentRoute: () => shell,
  path: '/settings',
  component: lazyRouteComponent(() => import('../settings/page'), 'SettingsPage'),
})
const members = createRoute({
  getParentRoute: () => shell,
  path: '/members',
  component: lazyRouteComponent(() => import('../admin/page'), 'MembersPage'),
  validateSearch: (search): { find?: string } => ({ find: typeof search.find === 'string' ? search.find : undefined }),
})
const wall = createRoute({
  getParentRoute: () => shell,
  path: '/wall',
  component: lazyRouteComponent(() => import('../team/wall'), 'WallPage'),
})

export const router = createRouter({
  routeTree: root.addChildren([
    signIn,
    shell.addChildren([focus, history, reports, notifications, settings, members, wall]),
  ]),
  defaultPreload: 'intent',
  defaultErrorComponent: PageFailed,
  scrollRestoration: true,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
