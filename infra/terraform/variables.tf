# In alphabetical order. project_id alone has no default; null, "", {} and [] mean: not there until
# it is set.

variable "alert_email" {
  description = "Address that alerts are mailed to; null: no mail."
  type        = string
  default     = null
}

variable "archive" {
  description = "The functions' source archive as `make package` builds it, relative to this folder or absolute."
  type        = string
  default     = "../../build/functions.zip"
}

variable "audit_data_access" {
  description = "Whether reads and writes of buckets, secrets and the state are logged: for the whole project, so of two environments in one only the first."
  type        = bool
  default     = true
}

variable "backup_retention_days" {
  description = "Days that the daily backup of the state database is kept; Firestore allows 98 at most."
  type        = number
  default     = 14

  validation {
    condition     = var.backup_retention_days >= 1 && var.backup_retention_days <= 98
    error_message = "Firestore keeps a daily backup for 1 to 98 days."
  }
}

variable "billing_account" {
  description = "Billing account (012345-6789AB-CDEF01) that the budget belongs to; null: no budget."
  type        = string
  default     = null
}

variable "budget_amount" {
  description = "Monthly budget in whole units of the billing account's currency; docs/deploy.md has the arithmetic."
  type        = number
  default     = 100

  validation {
    condition     = var.budget_amount > 0 && floor(var.budget_amount) == var.budget_amount
    error_message = "The budget is a whole number above 0."
  }
}

variable "ci_issuer" {
  description = "Who signs the tokens of CI runs; GitHub Actions unless set."
  type        = string
  default     = "https://token.actions.githubusercontent.com"

  validation {
    condition     = can(regex("^https://[^/ ]+(/[^ ]*[^/ ])?$", var.ci_issuer))
    error_message = "An address with https and no slash at its end: https://token.actions.githubusercontent.com."
  }
}

variable "ci_subjects" {
  description = "CI runs that may deploy, by their token's whole subject (repo:my-org/nba-props:environment:prod); []: none."
  type        = set(string)
  default     = []

  # A pattern would let in whoever names a branch or a repository to fit it.
  validation {
    condition     = alltrue([for subject in var.ci_subjects : can(regex("^[^*\\s'\"]{8,127}$", subject))])
    error_message = "Whole subjects of 8 to 127 characters, without * and spaces: repo:my-org/nba-props:environment:prod."
  }
}

variable "dashboard_audiences" {
  description = "Audiences that an identity token for the dashboard may be made for; gcloud's own, unless people sign in by another client."
  type        = set(string)
  # A person's token from gcloud bears gcloud's client id and can bear nothing else; a service
  # account's bears what it asks for, by custom the address that it calls.
  default = ["32555940559.apps.googleusercontent.com"]

  validation {
    condition     = length(var.dashboard_audiences) > 0
    error_message = "Without an audience the dashboard lets nobody in."
  }

  validation {
    condition     = alltrue([for audience in var.dashboard_audiences : can(regex("^[^\\s,*]+$", audience))])
    error_message = "A client id or an address, whole, without spaces and commas."
  }
}

variable "dashboard_operators" {
  description = "People (ada@example.com) who may look at the dashboard and act on it."
  type        = set(string)
  default     = []

  # allUsers and allAuthenticatedUsers are no e-mails; a service account is no user.
  validation {
    condition     = alltrue([for email in var.dashboard_operators : can(regex("^[a-z0-9.'_+-]+@([a-z0-9-]+\\.)+[a-z]{2,}$", email)) && !endswith(email, ".gserviceaccount.com")])
    error_message = "E-mails of people, in lower case as Google gives them back: ada@example.com."
  }
}

variable "dashboard_readers" {
  description = "People (ada@example.com) who may look at the dashboard; operators need not be named again."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for email in var.dashboard_readers : can(regex("^[a-z0-9.'_+-]+@([a-z0-9-]+\\.)+[a-z]{2,}$", email)) && !endswith(email, ".gserviceaccount.com")])
    error_message = "E-mails of people, in lower case as Google gives them back: ada@example.com."
  }
}

variable "dataset_prefix" {
  description = "Put before every dataset name (DATASET_PREFIX): isolates environments in one project."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^([a-z][a-z0-9]*_)?$", var.dataset_prefix))
    error_message = "Lower-case letters and digits, ending with an underscore (dev_), or empty."
  }
}

variable "deletion_protection" {
  description = "Whether tables, the state database and filled buckets refuse to be destroyed."
  type        = bool
  default     = true
}

variable "environment" {
  description = "Name of the environment: a label, and part of what people read in alerts."
  type        = string
  default     = "prod"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,20}$", var.environment))
    error_message = "Lower-case letters, digits and hyphens, 21 at most."
  }
}

variable "exports_origins" {
  description = "Sites (https://picks.example.com) whose pages may read public exports in a browser; *: any."
  type        = list(string)
  default     = ["*"]
}

variable "exports_public" {
  description = "Whether everybody may read the export bucket (a front end without a server); a file not there is 403."
  type        = bool
  default     = false
}

variable "firestore_database" {
  description = "Name of the Firestore database; a second environment in one project needs another than (default)."
  type        = string
  default     = "(default)"

  validation {
    condition     = can(regex("^(\\(default\\)|[a-z][a-z0-9-]{2,61}[a-z0-9])$", var.firestore_database))
    error_message = "(default), or 4 to 63 lower-case letters, digits and hyphens."
  }
}

variable "labels" {
  description = "Further labels of everything that bears labels."
  type        = map(string)
  default     = {}
}

variable "name_prefix" {
  description = "Put before the names of functions, topics, subscriptions, jobs, accounts and secrets (NAME_PREFIX)."
  type        = string
  default     = ""

  validation {
    # Account ids have 30 characters at most; the longest function's has 20.
    condition     = can(regex("^([a-z][a-z0-9]{0,8}-)?$", var.name_prefix))
    error_message = "At most nine lower-case letters and digits with a hyphen after them (dev-), or empty."
  }
}

variable "notification_channels" {
  description = "Ids of notification channels that are there already (projects/P/notificationChannels/N)."
  type        = list(string)
  default     = []
}

variable "project_id" {
  description = "The Google Cloud project that everything is made in."
  type        = string
}

variable "raw_retention_days" {
  description = "Days for which nobody can change or delete an object of the raw bucket; 0: no such policy."
  type        = number
  default     = 365

  validation {
    condition     = var.raw_retention_days >= 0
    error_message = "Days, 0 or more."
  }
}

variable "region" {
  description = "Region of functions, data and jobs; BigQuery and Firestore are there too, next to the functions."
  type        = string
  default     = "us-central1"
}

variable "secret_versions" {
  description = "Version of each secret that has a value, by its name in pipeline.yaml: {odds-api-key = \"1\"}."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for version in values(var.secret_versions) : can(regex("^[1-9][0-9]*$", version))])
    error_message = "A version is a number: \"latest\" would change what runs without a deployment."
  }

  # A misspelt name would leave the function without its secret, and nobody would know.
  validation {
    condition     = length(setsubtract(keys(var.secret_versions), local.secrets)) == 0
    error_message = "No function of pipeline.yaml has such a secret; there are: ${join(", ", local.secrets)}."
  }
}

variable "settings" {
  description = "Further settings of the functions (shared/core/settings.py), by the name of the environment variable."
  type        = map(string)
  default     = {}
}

variable "slack_auth_token" {
  description = "OAuth token of the Slack app that posts alerts; null: no Slack. Give it as TF_VAR_slack_auth_token."
  type        = string
  default     = null
  sensitive   = true
}

variable "slack_channel" {
  description = "Slack channel that alerts go to (#nba-alerts); null: no Slack."
  type        = string
  default     = null
}

variable "state_epoch" {
  description = "Raise it by one after the state was restored or the tables were made anew (STATE_EPOCH): used-up ids are not met again."
  type        = number
  default     = 1

  validation {
    condition     = var.state_epoch >= 1 && floor(var.state_epoch) == var.state_epoch
    error_message = "A whole number from 1."
  }
}
