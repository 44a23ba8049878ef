import { useQuery } from '@tanstack/react-query'
import { data, type Api } from '../api/client'
import { keys } from '../api/queries'
import type { Report, ReportSummary } from '../api/types'
import { useApi } from '../app/providers'

const PAGE = 100

/** All of the team's reports without their figures: a line for each week. */
export function useReports() {
  const api = useApi()
  return useQuery({ queryKey: [...keys.reports, 'list'], queryFn: ({ signal }) => fetchReports(api, signal) })
}

/** A week in figures, which never change; null for a week without a report. */
export function useReport(id: string | null | undefined) {
  const api = useApi()
  return useQuery({
    queryKey: [...keys.reports, id],
    queryFn: ({ signal }): Promise<Report> | null =>
      id == null ? null : data(api.GET('/api/v1/reports/{report_id}', { params: { path: { report_id: id } }, signal })),
    enabled: id !== undefined,
    staleTime: Infinity,
  })
}

async function fetchReports(api: Api, signal: AbortSignal): Promise<ReportSummary[]> {
  const reports: ReportSummary[] = []
  let cursor: string | undefined
  do {
    const page = await data(api.GET('/api/v1/reports', { params: { query: { limit: PAGE, cursor } }, signal }))
    reports.push(...page.items)
    cursor = page.next_cursor ?? undefined
  } while (cursor !== undefined)
  return reports
}
