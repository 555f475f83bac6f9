variable "name" {
  description = "Name of the role and of the queue"
  type        = string
  default     = "rolecall"
}

variable "trust_policy" {
  description = "Who may take the role, as JSON: the trust policy of a Kubernetes service account, an instance, a task"
  type        = string
}

variable "trail_bucket" {
  description = "Bucket that CloudTrail delivers to"
  type        = string
}

variable "trail_prefix" {
  description = "What the keys of its log files begin with"
  type        = string
  default     = "AWSLogs/"
}

variable "trail_bucket_account" {
  description = "Account of that bucket, where it is another one"
  type        = string
  default     = null
}

variable "lake_bucket" {
  description = "Bucket of the lake and of reports"
  type        = string
}

variable "lake_prefix" {
  description = "Where the lake lies in it, with a slash at the end"
  type        = string
  default     = "rolecall/"
}

variable "report_prefixes" {
  description = "Where reports go in it"
  type        = list(string)
  default     = ["reports/"]
}

variable "kms_key_arns" {
  description = "Keys that the buckets are encrypted with"
  type        = list(string)
  default     = []
}

variable "notification_topic_arns" {
  description = "Topics of Amazon SNS that reports are told to"
  type        = list(string)
  default     = []
}

variable "manage_bucket_notification" {
  description = "Whether to set the bucket's notifications here; it replaces those that the bucket has"
  type        = bool
  default     = false
}
