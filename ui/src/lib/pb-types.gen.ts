// Generated from collections/ by `go run . schema write`. Do not edit.

export type UsersLanguage = 'en' | 'fr'
export type UsersTheme = 'auto' | 'light' | 'dark'
export type OrganizationsStatus = 'active' | 'suspended' | 'closed'
export type OrganizationsPlan = 'free' | 'pro' | 'enterprise'
export type OrganizationsBalanceState = 'ok' | 'low' | 'empty'
export type OrganizationsCompanySize = 'small' | 'medium' | 'large'
export type OrganizationsLanguage = 'en' | 'fr'
export type ApiKeysRole = 'admin' | 'manager' | 'agent' | 'viewer' | 'developer'
export type ApiKeysEndedBy = 'revoked' | 'maker'
export type FunctionsType = 'http'
export type FunctionsSyncStatus = 'pending' | 'synced' | 'failed' | 'deleting'
export type AssistantsType = 'voice' | 'messaging' | 'email' | 'workspace'
export type AssistantsStatus = 'active' | 'inactive' | 'training' | 'error'
export type AssistantsModelProvider =
  | 'openai'
  | 'anthropic'
  | 'google'
  | 'groq'
  | 'xai'
  | 'deep-seek'
  | 'together-ai'
  | 'openrouter'
  | 'cerebras'
  | 'perplexity-ai'
export type AssistantsVoiceProvider =
  | 'vapi'
  | '11labs'
  | 'azure'
  | 'cartesia'
  | 'deepgram'
  | 'openai'
  | 'playht'
  | 'rime-ai'
  | 'lmnt'
  | 'hume'
  | 'inworld'
  | 'minimax'
export type AssistantsTranscriberProvider =
  | 'deepgram'
  | 'assembly-ai'
  | 'azure'
  | 'cartesia'
  | '11labs'
  | 'gladia'
  | 'google'
  | 'openai'
  | 'soniox'
  | 'speechmatics'
  | 'talkscriber'
export type AssistantsSyncStatus = 'pending' | 'synced' | 'failed' | 'deleting'
export type AuditLogsActorType = 'user' | 'key' | 'superuser' | 'system' | 'guest'
export type PhoneNumbersProvider = 'vapi' | 'twilio' | 'vonage' | 'telnyx' | 'byo' | 'other'
export type PhoneNumbersNumberType = 'voice' | 'sms' | 'both'
export type PhoneNumbersStatus = 'active' | 'inactive' | 'suspended' | 'pending'
export type PhoneNumbersSyncStatus = 'pending' | 'synced' | 'failed' | 'deleting'
export type CallsStatus = 'scheduled' | 'queued' | 'ringing' | 'in_progress' | 'forwarding' | 'completed' | 'failed'
export type CallsOutcome =
  | 'completed'
  | 'transferred'
  | 'no_answer'
  | 'voicemail'
  | 'cancelled'
  | 'failed_desk'
  | 'failed_account'
  | 'failed_setup'
  | 'failed_telephony'
  | 'failed_provider'
  | 'failed_vapi'
export type CallsCallType = 'inbound' | 'outbound'
export type CallsChannel = 'phone' | 'web' | 'websocket'
export type CallsResolutionStatus = 'pending' | 'resolved' | 'escalated' | 'failed'
export type CallsSentiment = 'positive' | 'neutral' | 'negative'
export type CallsPriority = 'low' | 'medium' | 'high' | 'urgent'
export type CallsPlacing = 'waiting' | 'unclear' | 'refused' | 'lost' | 'cancelled'
export type CallEventsType = 'status' | 'tool_call' | 'transfer' | 'hang' | 'language' | 'control' | 'recording'
export type InvitationsRole = 'owner' | 'admin' | 'manager' | 'agent' | 'viewer' | 'developer'
export type InvitationsStatus = 'pending' | 'accepted' | 'declined' | 'expired' | 'cancelled'
export type JobRunsStatus = 'running' | 'done' | 'failed'
export type LedgerEntriesKind = 'top_up' | 'usage' | 'monthly_grant' | 'bonus' | 'refund' | 'adjustment' | 'addon_purchase'
export type MembershipsRole = 'owner' | 'admin' | 'manager' | 'agent' | 'viewer' | 'developer'
export type MembershipsStatus = 'active' | 'inactive' | 'invited' | 'suspended'
export type MessagesRole = 'assistant' | 'user' | 'system'
export type OutboxStatus = 'pending' | 'running' | 'done' | 'dead'
export type PrivacyRequestsKind = 'export' | 'erase'
export type PrivacyRequestsStatus = 'pending' | 'running' | 'done' | 'failed'
export type ProviderAccountsProvider = 'vapi' | 'twilio' | 'flutterwave'
export type ProviderEventsProvider = 'vapi' | 'twilio' | 'flutterwave'
export type ProviderEventsStatus = 'applied' | 'failed' | 'parked' | 'packed'
export type RecordingsKind = 'stereo' | 'mono' | 'customer' | 'assistant'
export type RecordingsStatus = 'pending' | 'ready' | 'failed' | 'gone'
export type SavedRepliesLanguage = 'en' | 'fr'
export type StructuredOutputsName = 'summary' | 'success' | 'mood'
export type StructuredOutputsSyncStatus = 'pending' | 'synced' | 'failed' | 'deleting'
export type SubscriptionsStatus = 'active' | 'past_due' | 'canceled' | 'incomplete' | 'incomplete_expired' | 'trialing' | 'unpaid'
export type UsageEventsKind = 'voice_inbound' | 'voice_outbound'
export type UsageEventsUnit = 'second' | 'count'

export interface UsersRecord {
  collectionId: string
  collectionName: 'users'
  id: string
  email: string
  emailVisibility: boolean
  verified: boolean
  name: string
  avatar: string
  phone: string
  language: UsersLanguage | ''
  theme: UsersTheme | ''
  preferences: unknown
  is_active: boolean
  onboarding_completed: boolean
  last_organization: string
  notifications: unknown
  two_factor: boolean
  is_service: boolean
  created: string
  updated: string
}

export interface OrganizationsRecord {
  collectionId: string
  collectionName: 'organizations'
  id: string
  name: string
  description: string
  status: OrganizationsStatus | ''
  plan: OrganizationsPlan | ''
  balance_state: OrganizationsBalanceState | ''
  company_size: OrganizationsCompanySize | ''
  industry: string
  country: string
  timezone: string
  language: OrganizationsLanguage | ''
  currency: string
  logo: string
  business_hours: unknown
  closures: unknown
  primary_goals: unknown
  expected_volume: number
  success_metrics: string
  current_volume: string
  current_solution: string
  member_key: string
  webhook_url: string
  trusted_origins: unknown
  limits: unknown
  metadata: unknown
  onboarding_completed: boolean
  setup_steps_completed: unknown
  created_by: string
  paused: boolean
  deletes_at: string
  mask_numbers: boolean
  created: string
  updated: string
}

export interface ApiKeysRecord {
  collectionId: string
  collectionName: 'api_keys'
  id: string
  organization: string
  name: string
  role: ApiKeysRole
  prefix: string
  acts_as: string
  created_by: string
  expires_at: string
  revoked_at: string
  ended_by: ApiKeysEndedBy | ''
  last_used_at: string
  last_used_ip: string
  created: string
  updated: string
}

export interface FunctionsRecord {
  collectionId: string
  collectionName: 'functions'
  id: string
  organization: string
  name: string
  description: string
  type: FunctionsType | ''
  parameters: unknown
  webhook_url: string
  timeout_ms: number
  async: boolean
  is_active: boolean
  code: string
  messages: unknown
  metadata: unknown
  vapi_tool_id: string
  sync_status: FunctionsSyncStatus | ''
  sync_error: string
  synced_at: string
  created: string
  updated: string
}

export interface AssistantsRecord {
  collectionId: string
  collectionName: 'assistants'
  id: string
  organization: string
  name: string
  description: string
  type: AssistantsType | ''
  status: AssistantsStatus | ''
  language: string
  personality: string
  system_prompt: string
  first_message: string
  model_provider: AssistantsModelProvider | ''
  model_name: string
  model_temperature: number
  model_max_tokens: number
  voice_provider: AssistantsVoiceProvider | ''
  voice_id: string
  voice_model: string
  voice_speed: number
  voice_stability: number
  transcriber_provider: AssistantsTranscriberProvider | ''
  transcriber_model: string
  transcriber_language: string
  functions: string[]
  forwarding_phone_number: string
  end_call_message: string
  voicemail_message: string
  end_call_phrases: unknown
  end_call_disabled: boolean
  max_duration_seconds: number
  silence_timeout_seconds: number
  recording_enabled: boolean
  tools_config: unknown
  config: unknown
  metadata: unknown
  created_by: string
  vapi_assistant_id: string
  sync_status: AssistantsSyncStatus | ''
  sync_error: string
  synced_at: string
  created: string
  updated: string
}

export interface AuditChainsRecord {
  collectionId: string
  collectionName: 'audit_chains'
  id: string
  chain: string
  head: number
  head_hash: string
  base: number
  base_hash: string
  unchained: number
  created: string
  updated: string
}

export interface AuditLogsRecord {
  collectionId: string
  collectionName: 'audit_logs'
  id: string
  organization: string
  user: string
  actor_name: string
  actor_type: AuditLogsActorType
  action: string
  resource: string
  record: string
  details: unknown
  ip_address: string
  user_agent: string
  request_id: string
  position: number
  hash: string
  created: string
  updated: string
}

export interface AuthenticatorsRecord {
  collectionId: string
  collectionName: 'authenticators'
  id: string
  user: string
  confirmed_at: string
  last_step: number
  failures: number
  locked_until: string
  created: string
  updated: string
}

export interface ContactsRecord {
  collectionId: string
  collectionName: 'contacts'
  id: string
  organization: string
  phone_number: string
  phone_number_raw: string
  name: string
  company: string
  email: string
  notes: string
  blocked: boolean
  merged_into: string
  first_seen_at: string
  last_seen_at: string
  metadata: unknown
  created: string
  updated: string
}

export interface PhoneNumbersRecord {
  collectionId: string
  collectionName: 'phone_numbers'
  id: string
  organization: string
  phone_number: string
  friendly_name: string
  provider: PhoneNumbersProvider
  number_type: PhoneNumbersNumberType | ''
  status: PhoneNumbersStatus | ''
  country_code: string
  capabilities: unknown
  assistant: string
  assigned_to: string
  area_code: string
  fallback_number: string
  fallback_message: string
  monthly_cost_minor: number
  currency: string
  twilio_account_sid: string
  credential_id: string
  sip_uri: string
  config: unknown
  metadata: unknown
  created_by: string
  vapi_phone_id: string
  sync_status: PhoneNumbersSyncStatus | ''
  sync_error: string
  synced_at: string
  created: string
  updated: string
}

export interface CallsRecord {
  collectionId: string
  collectionName: 'calls'
  id: string
  organization: string
  vapi_call_id: string
  status: CallsStatus | ''
  outcome: CallsOutcome | ''
  call_type: CallsCallType
  channel: CallsChannel | ''
  caller_number: string
  recipient_number: string
  caller_number_raw: string
  recipient_number_raw: string
  contact: string
  assistant: string
  phone_number: string
  started_at: string
  answered_at: string
  ended_at: string
  duration_seconds: number
  cost_micros: number
  ended_reason: string
  summary: string
  resolution_status: CallsResolutionStatus | ''
  sentiment: CallsSentiment | ''
  priority: CallsPriority | ''
  success_evaluation: string
  transferred_to: string
  notes: string
  metadata: unknown
  is_test: boolean
  has_recording: boolean
  answered: boolean
  missed: boolean
  reported_at: string
  created_by: string
  placing: CallsPlacing | ''
  created: string
  updated: string
}

export interface CallEventsRecord {
  collectionId: string
  collectionName: 'call_events'
  id: string
  organization: string
  call: string
  type: CallEventsType
  name: string
  position: number
  key: string
  data: unknown
  created: string
  updated: string
}

export interface CallReportsRecord {
  collectionId: string
  collectionName: 'call_reports'
  id: string
  organization: string
  call: string
  position: number
  summary: string
  transcript: string
  analysis: unknown
  costs: unknown
  performance: unknown
  created: string
  updated: string
}

export interface InvitationsRecord {
  collectionId: string
  collectionName: 'invitations'
  id: string
  organization: string
  email: string
  role: InvitationsRole
  status: InvitationsStatus
  full_name: string
  department: string
  phone_number: string
  timezone: string
  can_access_analytics: boolean
  can_manage_integrations: boolean
  can_manage_team: boolean
  can_manage_agents: boolean
  can_view_calls: boolean
  can_view_messages: boolean
  can_view_emails: boolean
  message: string
  notes: string
  permissions: unknown
  config: unknown
  expires_at: string
  sent_at: string
  invited_by: string
  accepted_by: string
  accepted_at: string
  metadata: unknown
  created: string
  updated: string
}

export interface JobRunsRecord {
  collectionId: string
  collectionName: 'job_runs'
  id: string
  job: string
  status: JobRunsStatus
  started_at: string
  finished_at: string
  watermark: string
  processed: number
  error: string
  created: string
  updated: string
}

export interface WalletsRecord {
  collectionId: string
  collectionName: 'wallets'
  id: string
  organization: string
  balance_minor: number
  currency: string
  created: string
  updated: string
}

export interface LedgerEntriesRecord {
  collectionId: string
  collectionName: 'ledger_entries'
  id: string
  organization: string
  wallet: string
  amount_minor: number
  currency: string
  kind: LedgerEntriesKind
  reference: string
  description: string
  created: string
  updated: string
}

export interface MembershipsRecord {
  collectionId: string
  collectionName: 'memberships'
  id: string
  organization: string
  user: string
  role: MembershipsRole
  status: MembershipsStatus
  is_default: boolean
  full_name: string
  email: string
  department: string
  phone_number: string
  timezone: string
  can_access_analytics: boolean
  can_manage_integrations: boolean
  can_manage_team: boolean
  can_manage_agents: boolean
  can_view_calls: boolean
  can_view_messages: boolean
  can_view_emails: boolean
  metadata: unknown
  joined_at: string
  last_accessed_at: string
  total_sessions: number
  total_calls_handled: number
  created: string
  updated: string
}

export interface MessagesRecord {
  collectionId: string
  collectionName: 'messages'
  id: string
  organization: string
  call: string
  role: MessagesRole
  content: string
  position: number
  offset_ms: number
  duration_ms: number
  from_person: boolean
  created: string
  updated: string
}

export interface OutboxRecord {
  collectionId: string
  collectionName: 'outbox'
  id: string
  organization: string
  kind: string
  key: string
  lane: string
  payload: unknown
  status: OutboxStatus
  attempts: number
  next_at: string
  lease_until: string
  error: string
  done_at: string
  created: string
  updated: string
}

export interface PrivacyRequestsRecord {
  collectionId: string
  collectionName: 'privacy_requests'
  id: string
  organization: string
  kind: PrivacyRequestsKind
  status: PrivacyRequestsStatus
  subject_hint: string
  requested_by: string
  finished_at: string
  certificate: unknown
  error: string
  created: string
  updated: string
}

export interface ProviderAccountsRecord {
  collectionId: string
  collectionName: 'provider_accounts'
  id: string
  organization: string
  provider: ProviderAccountsProvider
  name: string
  secret_changed_at: string
  installation_secret: boolean
  account_id: string
  checked_at: string
  error: string
  created: string
  updated: string
}

export interface ProviderEventsRecord {
  collectionId: string
  collectionName: 'provider_events'
  id: string
  organization: string
  provider: ProviderEventsProvider
  event_key: string
  type: string
  status: ProviderEventsStatus
  payload: string
  last: boolean
  error: string
  attempts: number
  next_at: string
  created: string
  updated: string
}

export interface RecordingsRecord {
  collectionId: string
  collectionName: 'recordings'
  id: string
  organization: string
  call: string
  kind: RecordingsKind
  status: RecordingsStatus
  file: string
  mime_type: string
  size_bytes: number
  duration_ms: number
  peaks: unknown
  attempts: number
  next_at: string
  error: string
  created: string
  updated: string
}

export interface SavedRepliesRecord {
  collectionId: string
  collectionName: 'saved_replies'
  id: string
  organization: string
  shortcut: string
  text: string
  language: SavedRepliesLanguage | ''
  created: string
  updated: string
}

export interface SecuritySettingsRecord {
  collectionId: string
  collectionName: 'security_settings'
  id: string
  organization: string
  two_factor_enabled: boolean
  allowed_auth_methods: unknown
  session_timeout_minutes: number
  ip_whitelist: unknown
  keep_recordings_days: number
  keep_transcripts_days: number
  keep_messages_days: number
  keep_events_days: number
  keep_audit_days: number
  legal_hold: boolean
  created: string
  updated: string
}

export interface SessionsRecord {
  collectionId: string
  collectionName: 'sessions'
  id: string
  user: string
  method: string
  second_factor: boolean
  ip_address: string
  user_agent: string
  last_seen_at: string
  expires_at: string
  ended_at: string
  created: string
  updated: string
}

export interface StructuredOutputsRecord {
  collectionId: string
  collectionName: 'structured_outputs'
  id: string
  name: StructuredOutputsName
  vapi_output_id: string
  sync_status: StructuredOutputsSyncStatus | ''
  sync_error: string
  synced_at: string
  created: string
  updated: string
}

export interface SubscriptionsRecord {
  collectionId: string
  collectionName: 'subscriptions'
  id: string
  organization: string
  plan: string
  status: SubscriptionsStatus
  provider_subscription_id: string
  provider_customer_id: string
  trial_ends_at: string
  current_period_start: string
  current_period_end: string
  canceled_at: string
  created: string
  updated: string
}

export interface UsageEventsRecord {
  collectionId: string
  collectionName: 'usage_events'
  id: string
  organization: string
  kind: UsageEventsKind
  quantity: number
  unit: UsageEventsUnit
  cost_micros: number
  call: string
  at: string
  reference: string
  created: string
  updated: string
}

/** The record of each collection, by the collection's name. */
export interface Records {
  users: UsersRecord
  organizations: OrganizationsRecord
  api_keys: ApiKeysRecord
  functions: FunctionsRecord
  assistants: AssistantsRecord
  audit_chains: AuditChainsRecord
  audit_logs: AuditLogsRecord
  authenticators: AuthenticatorsRecord
  contacts: ContactsRecord
  phone_numbers: PhoneNumbersRecord
  calls: CallsRecord
  call_events: CallEventsRecord
  call_reports: CallReportsRecord
  invitations: InvitationsRecord
  job_runs: JobRunsRecord
  wallets: WalletsRecord
  ledger_entries: LedgerEntriesRecord
  memberships: MembershipsRecord
  messages: MessagesRecord
  outbox: OutboxRecord
  privacy_requests: PrivacyRequestsRecord
  provider_accounts: ProviderAccountsRecord
  provider_events: ProviderEventsRecord
  recordings: RecordingsRecord
  saved_replies: SavedRepliesRecord
  security_settings: SecuritySettingsRecord
  sessions: SessionsRecord
  structured_outputs: StructuredOutputsRecord
  subscriptions: SubscriptionsRecord
  usage_events: UsageEventsRecord
}

/** What the server accepts in each field: characters of texts, size of numbers, bytes of JSON and files. */
export const limits = {
  users: {
    email: { required: true },
    name: { max: 100 },
    avatar: { max: 2097152 },
    phone: { max: 40 },
    language: { values: ['en', 'fr'] },
    theme: { values: ['auto', 'light', 'dark'] },
    preferences: { max: 16384 },
    notifications: { max: 16384 },
  },
  organizations: {
    name: { required: true, max: 100 },
    description: { max: 500 },
    status: { values: ['active', 'suspended', 'closed'] },
    plan: { values: ['free', 'pro', 'enterprise'] },
    balance_state: { values: ['ok', 'low', 'empty'] },
    company_size: { values: ['small', 'medium', 'large'] },
    industry: { max: 100 },
    country: { max: 2 },
    timezone: { max: 64 },
    language: { values: ['en', 'fr'] },
    currency: { max: 3 },
    logo: { max: 2097152 },
    business_hours: { max: 16384 },
    closures: { max: 16384 },
    primary_goals: { max: 16384 },
    success_metrics: { max: 5000 },
    current_volume: { max: 255 },
    current_solution: { max: 255 },
    member_key: { max: 40 },
    trusted_origins: { max: 16384 },
    limits: { max: 16384 },
    metadata: { max: 16384 },
    setup_steps_completed: { max: 16384 },
  },
  api_keys: {
    organization: { required: true },
    name: { required: true, max: 100 },
    role: { required: true, values: ['admin', 'manager', 'agent', 'viewer', 'developer'] },
    prefix: { max: 24 },
    ended_by: { values: ['revoked', 'maker'] },
    last_used_ip: { max: 64 },
  },
  functions: {
    organization: { required: true },
    name: { required: true, max: 64 },
    description: { max: 1000 },
    type: { values: ['http'] },
    parameters: { max: 16384 },
    timeout_ms: { min: 0, max: 60000 },
    code: { max: 100000 },
    messages: { max: 16384 },
    metadata: { max: 16384 },
    vapi_tool_id: { max: 255 },
    sync_status: { values: ['pending', 'synced', 'failed', 'deleting'] },
    sync_error: { max: 1000 },
  },
  assistants: {
    organization: { required: true },
    name: { required: true, min: 2, max: 100 },
    description: { max: 500 },
    type: { values: ['voice', 'messaging', 'email', 'workspace'] },
    status: { values: ['active', 'inactive', 'training', 'error'] },
    language: { max: 10 },
    personality: { max: 5000 },
    system_prompt: { max: 100000 },
    first_message: { max: 1000 },
    model_provider: { values: ['openai', 'anthropic', 'google', 'groq', 'xai', 'deep-seek', 'together-ai', 'openrouter', 'cerebras', 'perplexity-ai'] },
    model_name: { max: 100 },
    model_temperature: { min: 0, max: 2 },
    model_max_tokens: { min: 0, max: 10000 },
    voice_provider: { values: ['vapi', '11labs', 'azure', 'cartesia', 'deepgram', 'openai', 'playht', 'rime-ai', 'lmnt', 'hume', 'inworld', 'minimax'] },
    voice_id: { max: 100 },
    voice_model: { max: 100 },
    voice_speed: { min: 0, max: 5 },
    voice_stability: { min: 0, max: 1 },
    transcriber_provider: { values: ['deepgram', 'assembly-ai', 'azure', 'cartesia', '11labs', 'gladia', 'google', 'openai', 'soniox', 'speechmatics', 'talkscriber'] },
    transcriber_model: { max: 100 },
    transcriber_language: { max: 20 },
    functions: { max: 20 },
    forwarding_phone_number: { max: 40 },
    end_call_message: { max: 1000 },
    voicemail_message: { max: 1000 },
    end_call_phrases: { max: 16384 },
    max_duration_seconds: { min: 0, max: 43200 },
    silence_timeout_seconds: { min: 0, max: 3600 },
    tools_config: { max: 16384 },
    config: { max: 16384 },
    metadata: { max: 16384 },
    vapi_assistant_id: { max: 255 },
    sync_status: { values: ['pending', 'synced', 'failed', 'deleting'] },
    sync_error: { max: 1000 },
  },
  audit_chains: {
    chain: { max: 15 },
    head: { min: 0 },
    head_hash: { max: 64 },
    base: { min: 0 },
    base_hash: { max: 64 },
    unchained: { min: 0 },
  },
  audit_logs: {
    actor_name: { max: 255 },
    actor_type: { required: true, values: ['user', 'key', 'superuser', 'system', 'guest'] },
    action: { required: true, max: 100 },
    resource: { max: 100 },
    record: { max: 40 },
    details: { max: 65536 },
    ip_address: { max: 64 },
    user_agent: { max: 500 },
    request_id: { max: 64 },
    position: { min: 0 },
    hash: { max: 64 },
  },
  authenticators: {
    user: { required: true },
    last_step: { min: 0 },
    failures: { min: 0 },
  },
  contacts: {
    organization: { required: true },
    phone_number: { required: true, max: 80 },
    phone_number_raw: { max: 80 },
    name: { max: 100 },
    company: { max: 100 },
    notes: { max: 5000 },
    metadata: { max: 16384 },
  },
  phone_numbers: {
    organization: { required: true },
    phone_number: { max: 40 },
    friendly_name: { max: 100 },
    provider: { required: true, values: ['vapi', 'twilio', 'vonage', 'telnyx', 'byo', 'other'] },
    number_type: { values: ['voice', 'sms', 'both'] },
    status: { values: ['active', 'inactive', 'suspended', 'pending'] },
    country_code: { max: 5 },
    capabilities: { max: 16384 },
    assigned_to: { max: 100 },
    area_code: { max: 3 },
    fallback_number: { max: 40 },
    fallback_message: { max: 1000 },
    monthly_cost_minor: { min: 0 },
    currency: { max: 3 },
    twilio_account_sid: { max: 255 },
    credential_id: { max: 255 },
    sip_uri: { max: 255 },
    config: { max: 16384 },
    metadata: { max: 16384 },
    vapi_phone_id: { max: 255 },
    sync_status: { values: ['pending', 'synced', 'failed', 'deleting'] },
    sync_error: { max: 1000 },
  },
  calls: {
    organization: { required: true },
    vapi_call_id: { max: 64 },
    status: { values: ['scheduled', 'queued', 'ringing', 'in_progress', 'forwarding', 'completed', 'failed'] },
    outcome: { values: ['completed', 'transferred', 'no_answer', 'voicemail', 'cancelled', 'failed_desk', 'failed_account', 'failed_setup', 'failed_telephony', 'failed_provider', 'failed_vapi'] },
    call_type: { required: true, values: ['inbound', 'outbound'] },
    channel: { values: ['phone', 'web', 'websocket'] },
    caller_number: { max: 80 },
    recipient_number: { max: 80 },
    caller_number_raw: { max: 80 },
    recipient_number_raw: { max: 80 },
    duration_seconds: { min: 0 },
    cost_micros: { min: 0 },
    ended_reason: { max: 255 },
    summary: { max: 10000 },
    resolution_status: { values: ['pending', 'resolved', 'escalated', 'failed'] },
    sentiment: { values: ['positive', 'neutral', 'negative'] },
    priority: { values: ['low', 'medium', 'high', 'urgent'] },
    success_evaluation: { max: 500 },
    transferred_to: { max: 80 },
    notes: { max: 5000 },
    metadata: { max: 16384 },
    placing: { values: ['waiting', 'unclear', 'refused', 'lost', 'cancelled'] },
  },
  call_events: {
    organization: { required: true },
    call: { required: true },
    type: { required: true, values: ['status', 'tool_call', 'transfer', 'hang', 'language', 'control', 'recording'] },
    name: { max: 255 },
    position: { required: true, min: 0 },
    key: { required: true, max: 255 },
    data: { max: 65536 },
  },
  call_reports: {
    organization: { required: true },
    call: { required: true },
    position: { required: true, min: 0 },
    summary: { max: 10000 },
    transcript: { max: 1048576 },
    analysis: { max: 1048576 },
    costs: { max: 65536 },
    performance: { max: 16384 },
  },
  invitations: {
    organization: { required: true },
    email: { required: true },
    role: { required: true, values: ['owner', 'admin', 'manager', 'agent', 'viewer', 'developer'] },
    status: { required: true, values: ['pending', 'accepted', 'declined', 'expired', 'cancelled'] },
    full_name: { max: 100 },
    department: { max: 100 },
    phone_number: { max: 40 },
    timezone: { max: 64 },
    message: { max: 5000 },
    notes: { max: 5000 },
    permissions: { max: 16384 },
    config: { max: 16384 },
    expires_at: { required: true },
    metadata: { max: 16384 },
  },
  job_runs: {
    job: { required: true, max: 100 },
    status: { required: true, values: ['running', 'done', 'failed'] },
    processed: { min: 0 },
    error: { max: 1000 },
  },
  wallets: {
    organization: { required: true },
    currency: { required: true, max: 3 },
  },
  ledger_entries: {
    organization: { required: true },
    wallet: { required: true },
    amount_minor: { required: true },
    currency: { required: true, max: 3 },
    kind: { required: true, values: ['top_up', 'usage', 'monthly_grant', 'bonus', 'refund', 'adjustment', 'addon_purchase'] },
    reference: { required: true, max: 255 },
    description: { max: 500 },
  },
  memberships: {
    organization: { required: true },
    user: { required: true },
    role: { required: true, values: ['owner', 'admin', 'manager', 'agent', 'viewer', 'developer'] },
    status: { required: true, values: ['active', 'inactive', 'invited', 'suspended'] },
    full_name: { max: 100 },
    department: { max: 100 },
    phone_number: { max: 40 },
    timezone: { max: 64 },
    metadata: { max: 16384 },
    total_sessions: { min: 0 },
    total_calls_handled: { min: 0 },
  },
  messages: {
    organization: { required: true },
    call: { required: true },
    role: { required: true, values: ['assistant', 'user', 'system'] },
    content: { required: true, max: 20000 },
    position: { required: true, min: 0 },
    offset_ms: { min: 0 },
    duration_ms: { min: 0 },
  },
  outbox: {
    kind: { required: true, max: 100 },
    key: { required: true, max: 255 },
    lane: { max: 255 },
    payload: { max: 1048576 },
    status: { required: true, values: ['pending', 'running', 'done', 'dead'] },
    attempts: { min: 0 },
    error: { max: 1000 },
  },
  privacy_requests: {
    organization: { required: true },
    kind: { required: true, values: ['export', 'erase'] },
    status: { required: true, values: ['pending', 'running', 'done', 'failed'] },
    subject_hint: { max: 20 },
    certificate: { max: 65536 },
    error: { max: 500 },
  },
  provider_accounts: {
    provider: { required: true, values: ['vapi', 'twilio', 'flutterwave'] },
    name: { max: 100 },
    account_id: { max: 255 },
    error: { max: 500 },
  },
  provider_events: {
    provider: { required: true, values: ['vapi', 'twilio', 'flutterwave'] },
    event_key: { required: true, max: 255 },
    type: { max: 100 },
    status: { required: true, values: ['applied', 'failed', 'parked', 'packed'] },
    payload: { max: 4194304 },
    error: { max: 500 },
    attempts: { min: 0 },
  },
  recordings: {
    organization: { required: true },
    call: { required: true },
    kind: { required: true, values: ['stereo', 'mono', 'customer', 'assistant'] },
    status: { required: true, values: ['pending', 'ready', 'failed', 'gone'] },
    file: { max: 268435456 },
    mime_type: { max: 100 },
    size_bytes: { min: 0 },
    duration_ms: { min: 0 },
    peaks: { max: 16384 },
    attempts: { min: 0 },
    error: { max: 500 },
  },
  saved_replies: {
    organization: { required: true },
    shortcut: { required: true, max: 40 },
    text: { required: true, max: 4000 },
    language: { values: ['en', 'fr'] },
  },
  security_settings: {
    organization: { required: true },
    allowed_auth_methods: { max: 16384 },
    session_timeout_minutes: { min: 0, max: 525600 },
    ip_whitelist: { max: 16384 },
    keep_recordings_days: { min: 0, max: 3650 },
    keep_transcripts_days: { min: 0, max: 3650 },
    keep_messages_days: { min: 0, max: 3650 },
    keep_events_days: { min: 0, max: 3650 },
    keep_audit_days: { min: 0, max: 3650 },
  },
  sessions: {
    user: { required: true },
    method: { max: 40 },
    ip_address: { max: 64 },
    user_agent: { max: 500 },
  },
  structured_outputs: {
    name: { required: true, values: ['summary', 'success', 'mood'] },
    vapi_output_id: { max: 255 },
    sync_status: { values: ['pending', 'synced', 'failed', 'deleting'] },
    sync_error: { max: 1000 },
  },
  subscriptions: {
    organization: { required: true },
    plan: { required: true, max: 100 },
    status: { required: true, values: ['active', 'past_due', 'canceled', 'incomplete', 'incomplete_expired', 'trialing', 'unpaid'] },
    provider_subscription_id: { max: 255 },
    provider_customer_id: { max: 255 },
  },
  usage_events: {
    organization: { required: true },
    kind: { required: true, values: ['voice_inbound', 'voice_outbound'] },
    quantity: { min: 0 },
    unit: { required: true, values: ['second', 'count'] },
    cost_micros: { min: 0 },
    reference: { required: true, max: 255 },
  },
} as const

/** The trades an organization can be of; it may have another one, in its own words. */
export const trades = [
  'dental',
  'restaurant',
  'craft',
  'law',
  'shop',
  'other',
] as const
