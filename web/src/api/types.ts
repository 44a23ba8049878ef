/** Names for what the api's generated types describe. */
import type { components } from './schema'

type Schemas = components['schemas']

export type Expectation = Schemas['ExpectationView']
export type ExpectationPage = Schemas['ExpectationPage']
export type Me = Schemas['Me']
export type Member = Schemas['TeamMember']
export type Team = Schemas['TeamView']
export type Report = Schemas['ReportDetails']
export type ReportSummary = Schemas['ReportView']
export type Export = Schemas['ExportView']
export type ExportWithLink = Schemas['ExportDetails']
export type Problem = Schemas['ProblemDetails'] & Record<string, unknown>
export type NotificationSettings = Schemas['NotificationSettings']
export type Notification = Schemas['NotificationView']
