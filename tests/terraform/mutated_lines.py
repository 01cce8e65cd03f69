"""Lines of Terraform and what a slip, or somebody in a hurry, could make of them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    """One line broken: which kind of mistake it is, where, and how."""

    kind: str
    file: str
    sound: str
    broken: str

    def apply(self, text: str) -> str:
        """Break the first place; the text must have it."""
        if self.sound not in text:
            message = f"{self.file} has no {self.sound!r}"
            raise ValueError(message)
        return text.replace(self.sound, self.broken, 1)


T = "terraform/"
B = "terraform/bootstrap/"


def of_kind(kind: str, *lines: tuple[str, str, str]) -> list[Mutation]:
    """Mutations of one kind: file, sound line, broken line."""
    return [Mutation(kind, *line) for line in lines]


RIGHTS = of_kind(
    "role widened",
    (f"{T}scoring.tf", '"roles/run.invoker"', '"roles/run.admin"'),
    (f"{T}scoring.tf", '"roles/run.developer"', '"roles/run.admin"'),
    (f"{T}decisions.tf", '"roles/bigquery.dataViewer"', '"roles/bigquery.dataOwner"'),
    (f"{T}evidence.tf", '"roles/storage.objectCreator"', '"roles/storage.objectUser"'),
    (f"{T}schedule.tf", '"roles/run.invoker"', '"roles/run.developer"'),
    (f"{T}bigquery.tf", '"roles/bigquery.connectionUser"', '"roles/bigquery.connectionAdmin"'),
    (f"{T}pipeline.tf", "concat(tolist(var.auditors), ", "concat(tolist(var.operators), "),
    (f"{T}pipeline_jobs.tf", '"quality", "--day", "yesterday"', '"quality", "--day", "today"'),
    (f"{T}pipeline.tf", '"roles/storage.objectCreator"', '"roles/storage.objectUser"'),
    (f"{T}pipeline_jobs.tf", '"roles/run.jobsExecutorWithOverrides"', '"roles/run.developer"'),
    (f"{B}pipeline.tf", '"roles/bigquery.jobUser"', '"roles/bigquery.dataViewer"'),
    (f"{T}batch.tf", '"roles/storage.objectCreator"', '"roles/storage.objectUser"'),
    (f"{T}batch.tf", '"roles/run.jobsExecutorWithOverrides"', '"roles/run.developer"'),
    (f"{T}batch.tf", '"INGRESS_TRAFFIC_INTERNAL_ONLY"', '"INGRESS_TRAFFIC_ALL"'),
    (f"{T}batch.tf", "pauses        = false", "pauses        = true"),
    (
        f"{T}batch.tf",
        'account = "batch-api", bucket = "batches"',
        'account = "batch-api", bucket = "inbox"',
    ),
    (f"{T}batch.tf", 'local.batch_has_tokens ? "jwt" : "iam"', '"iam"'),
    (f"{B}batch.tf", '["batch", "batch-api"], local.record_keys', '["batch"], local.record_keys'),
    (f"{B}batch.tf", '"roles/eventarc.eventReceiver"', '"roles/eventarc.admin"'),
    (f"{T}lending.tf", '"roles/run.invoker"', '"roles/run.developer"'),
    (f"{T}lending_jobs.tf", 'each.value.job == "close" ?', "true ?"),
    (f"{T}database.tf", 'each.key == "migrate" ? ["cloudsqlsuperuser"]', 'true ? ["x"]'),
    (f"{T}database.tf", 'name == "migrate" ?', 'name != "migrate" ?'),
    (f"{T}dashboard.tf", '"roles/run.invoker"', '"roles/run.developer"'),
    (f"{B}lending.tf", '"roles/cloudsql.instanceUser"', '"roles/cloudsql.admin"'),
    (f"{B}lending.tf", '"cloudsql.instances.update"', '"cloudsql.instances.export"'),
    (f"{B}build.tf", '"roles/run.admin",', '"roles/run.admin", "roles/editor",'),
    (f"{B}people.tf", '"roles/run.viewer"', '"roles/run.developer"'),
    (f"{B}people.tf", '"cloudscheduler.jobs.pause"]', '"cloudscheduler.jobs.update"]'),
    (
        f"{B}accounts.tf",
        '"storage.objects.list"]',
        '"storage.objects.list", "storage.objects.create"]',
    ),
    (f"{B}drift.tf", '"roles/viewer"', '"roles/editor"'),
    (f"{B}submit.tf", '"roles/storage.objectUser"', '"roles/storage.objectAdmin"'),
    (f"{B}submit.tf", "objects/logs/", "objects/"),
    (f"{B}build.tf", '"roles/artifactregistry.reader"', '"roles/artifactregistry.repoAdmin"'),
    (f"{B}binary_authorization.tf", '"roles/cloudkms.signerVerifier"', '"roles/cloudkms.admin"'),
)
MEMBERS = of_kind(
    "member exchanged",
    (
        f"{T}scoring.tf",
        "for_each = var.invokers",
        'for_each = setunion(["allUsers"], var.invokers)',
    ),
    (
        f"{T}retrain.tf",
        "for_each = var.operators",
        'for_each = setunion(["allUsers"], var.operators)',
    ),
    (
        f"{T}decisions.tf",
        "    tolist(var.auditors),",
        "    tolist(setunion(var.auditors, var.operators)),",
    ),
    (f"{T}decisions.tf", '["projectOwners", ', '["projectOwners", "projectReaders", '),
    (
        f"{T}default_access.tf",
        '"roles/storage.legacyObjectReader" = []',
        '"roles/storage.legacyObjectReader" = ["projectViewer:${var.project_id}"]',
    ),
    (
        f"{T}default_access.tf",
        "models = google_storage_bucket.models.name",
        "models = google_storage_bucket.evidence.name",
    ),
    (
        f"{T}schedule.tf",
        "service_account_email = local.accounts.schedule",
        "service_account_email = local.accounts.training",
    ),
    (
        f"{T}scoring.tf",
        "service_account                  = local.accounts.scoring",
        "service_account                  = local.accounts.training",
    ),
    (
        f"{T}bucket.tf",
        '"serviceAccount:${local.accounts.training}"',
        '"serviceAccount:${local.accounts.scoring}"',
    ),
    (
        f"{B}accounts.tf",
        'google_service_account.workload["scoring"].member',
        'google_service_account.workload["training"].member',
    ),
    (
        f"{B}people.tf",
        'google_service_account.workload["scoring"].name',
        "google_service_account.build.name",
    ),
    (
        f"{T}backup.tf",
        '"roles/bigquery.dataViewer" = var.auditors',
        '"roles/bigquery.dataViewer" = var.invokers',
    ),
)
CONDITIONS = of_kind(
    "condition changed",
    (f"{B}lending.tf", "resource.service == 'sqladmin.googleapis.com' && ", ""),
    (f"{T}bucket.tf", "/objects/champions/", "/objects/"),
    (f"{T}bucket.tf", '["moves", "proposals"]', '["moves"]'),
    (f"{T}bucket.tf", '/objects/versions/\\")"', '/objects/\\")"'),
    (f"{B}build.tf", "${var.project_id}-${var.environment}-", "${var.project_id}-"),
    (f"{B}github.tf", "'refs/heads/main'", "'refs/heads/dev'"),
    (f"{B}github.tf", "assertion.repository_owner_id ==", "assertion.repository_owner_id !="),
    (f"{B}github.tf", """    "assertion.event_name in ['push', 'workflow_dispatch']",\n""", ""),
    (f"{B}bitbucket.tf", "assertion.branchName == 'main'", "assertion.branchName != ''"),
    (f"{B}submit.tf", "/objects/source/", "/objects/"),
)
SECRETS = of_kind(
    "secret or setting",
    (f"{T}lending_jobs.tf", 'secret if name != "KYC_KEY"', "secret"),
    (f"{T}lending.tf", "version = env.value.version", 'version = "latest"'),
    (f"{T}lending.tf", "AUTH                 = var.lending.auth", 'AUTH = "none"'),
    (f"{T}dashboard.tf", "session_affinity                 = true", "session_affinity = false"),
    (f"{T}dashboard.tf", 'var.enable_dashboard && var.auth == "jwt"', "var.enable_dashboard"),
    (f"{T}database.tf", "&ca=${urlencode(local.database_ca)}", ""),
    (f"{T}database.tf", '= "none"', '= "all"'),
    (f"{T}scoring.tf", "for_each = local.secrets", "for_each = {}"),
    (f"{T}scoring.tf", "version = env.value.version", 'version = "latest"'),
    (f"{T}scoring.tf", "AUTH                  = var.auth", 'AUTH                  = "none"'),
    (f"{T}scoring.tf", 'DECISION_LOG          = "stdout"', 'DECISION_LOG          = "off"'),
    (f"{T}scoring.tf", 'var.edge_only ? "2" : "1"', '"2"'),
    (
        f"{T}scoring.tf",
        "gs://${google_storage_bucket.evidence.name}",
        "gs://${google_storage_bucket.models.name}",
    ),
    (f"{T}retrain.tf", 'AUTH                   = "iam"', 'AUTH                   = "none"'),
    (f"{T}training.tf", "value = local.settings.MODEL_STORE", 'value = "file:///tmp"'),
    (f"{T}scoring.tf", "invoker_iam_disabled = var.allow_public", "invoker_iam_disabled = true"),
    (f"{B}accounts.tf", 'split(":", reference)[0]', "reference"),
)
PROTECTION = of_kind(
    "protection",
    (
        f"{T}database.tf",
        "deletion_protection = var.deletion_protection",
        "deletion_protection = false",
    ),
    (f"{T}database.tf", "deletion_protection_enabled = var.deletion_protection", ""),
    (f"{T}database.tf", 'deletion_policy = "ABANDON"', 'deletion_policy = "DELETE"'),
    (
        f"{T}database.tf",
        "point_in_time_recovery_enabled = true",
        "point_in_time_recovery_enabled = false",
    ),
    (f"{T}database.tf", "transaction_log_retention_days = 7", "transaction_log_retention_days = 1"),
    (f"{T}database.tf", "ipv4_enabled = false", "ipv4_enabled = true"),
    (f"{T}database.tf", '"ENCRYPTED_ONLY"', '"ALLOW_UNENCRYPTED_AND_ENCRYPTED"'),
    (f"{T}database.tf", "[var.project_id]", '[var.project_id, "other-project"]'),
    (f"{T}database.tf", "encryption_key_name = var.kms_key", "encryption_key_name = null"),
    (
        f"{T}database.tf",
        '"cloudsql.iam_authentication" = "on"',
        '"cloudsql.iam_authentication" = "off"',
    ),
    (f"{B}lending.tf", '    protocol = "all"', '    protocol = "udp"'),
    (f"{T}bucket.tf", "retention_duration_seconds = 604800", "retention_duration_seconds = 0"),
    (f"{T}bucket.tf", "versioning {\n    enabled = true", "versioning {\n    enabled = false"),
    (f"{T}bucket.tf", "days_since_noncurrent_time = 90", "days_since_noncurrent_time = 9"),
    (
        f"{T}bucket.tf",
        "force_destroy               = !var.deletion_protection",
        "force_destroy               = var.deletion_protection",
    ),
    (f"{T}bucket.tf", '"enforced"', '"inherited"'),
    (
        f"{T}evidence.tf",
        "var.deletion_protection ? [var.decision_log_days",
        "!var.deletion_protection ? [var.decision_log_days",
    ),
    (f"{T}evidence.tf", "[var.decision_log_days * 24 * 3600]", "[var.decision_log_days * 24]"),
    (f"{T}evidence.tf", "age = var.decision_log_days + 1", "age = 1"),
    (
        f"{T}decisions.tf",
        "deletion_protection = var.deletion_protection",
        "deletion_protection = false",
    ),
    (
        f"{T}decisions.tf",
        "expiration_ms = var.decision_log_days * 24 * 3600 * 1000",
        "expiration_ms = null",
    ),
    (
        f"{T}training.tf",
        "deletion_protection = false",
        "deletion_protection = var.deletion_protection",
    ),
    (
        f"{T}backup.tf",
        "delete_objects_unique_in_sink              = false",
        "delete_objects_unique_in_sink              = true",
    ),
    (
        f"{T}backup.tf",
        "location                    = var.backup_region",
        "location                    = var.region",
    ),
    (f"{B}project.tf", "prevent_destroy = true", "prevent_destroy = false"),
    (f"{B}project.tf", "num_newer_versions = 50", "num_newer_versions = 1"),
    (f"{B}project.tf", "keep_count = 100", "keep_count = 1"),
    (
        f"{T}variables.tf",
        'and anchors before their time."\n  type        = bool\n  default     = true',
        'and anchors."\n  type        = bool\n  default     = false',
    ),
)
RUNNING = of_kind(
    "what runs",
    (f"{T}lending_jobs.tf", '"close", "--date", "yesterday"', '"close", "--date", "2026-01-01"'),
    (f"{T}lending_jobs.tf", '"30 2 * * *"', '"30 0 * * *"'),
    (f"{T}lending.tf", "      traffic,\n", ""),
    (f"{T}lending.tf", '"PRIVATE_RANGES_ONLY"', '"ALL_TRAFFIC"'),
    (f"{T}scoring.tf", "failure_threshold     = 60", "failure_threshold     = 1"),
    (
        f"{T}scoring.tf",
        "port = 8080\n        }\n      }\n\n      liveness_probe",
        "port = 8081\n        }\n      }\n\n      liveness_probe",
    ),
    (f"{T}scoring.tf", "startup_cpu_boost = true", "startup_cpu_boost = false"),
    (f"{T}scoring.tf", "max_instance_count = var.max_instances", "max_instance_count = 1000"),
    (
        f"{T}scoring.tf",
        "scaling {\n    min_instance_count = var.min_instances",
        "scaling {\n    min_instance_count = 1",
    ),
    (f"{T}scoring.tf", "      traffic,\n", ""),
    (f"{T}scoring.tf", "      template[0].containers[0].image,\n", ""),
    (f"{T}scoring.tf", '"INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"', '"INGRESS_TRAFFIC_ALL"'),
    (
        f"{T}retrain.tf",
        "max_instance_request_concurrency = 1",
        "max_instance_request_concurrency = 80",
    ),
    (
        f"{T}retrain.tf",
        '["python", "-m", "functions.retrain"]',
        '["python", "-m", "functions.scoring"]',
    ),
    (
        f"{T}schedule.tf",
        "schedule         = each.value.schedule",
        'schedule         = "0 0 31 2 *"',
    ),
    (f"{T}schedule.tf", ".name}:run", ".name}"),
    (f"{T}training.tf", "max_retries           = 1", "max_retries           = 10"),
    (
        f"{T}training.tf",
        '["train", "--model", name]',
        '["train", "--model", var.default_model]',
    ),
    (f"{T}bigquery.tf", "/bigquery/${each.key}", "/bigquery/application"),
    (f"{T}drift.tf", "-detailed-exitcode ", ""),
    (f"{T}drift.tf", 'replace(local.drift_plan, "$", "$$")', "local.drift_plan"),
    (f"{T}edge.tf", 'action      = "throttle"', 'action      = "allow"'),
    (f"{T}edge.tf", 'exceed_action  = "deny(429)"', 'exceed_action  = "deny(403)"'),
    (
        f"{T}edge.tf",
        "security_policy       = google_compute_security_policy",
        "custom_request_headers = [] # google_compute_security_policy",
    ),
    (f"{T}edge.tf", "edge[path_matcher.value].id", 'edge["scoring"].id'),
    (f"{T}lending.tf", 'is_lending_edge_only ? "2" : "1"', 'is_lending_edge_only ? "1" : "2"'),
    (f"{T}edge.tf", '"TLS_1_2"', '"TLS_1_0"'),
    (f"{T}edge.tf", "https_redirect         = true", "https_redirect         = false"),
)
MONITORING = of_kind(
    "what is watched",
    (
        f"{T}alerts.tf",
        "database_up{${local.database}}[5m])) or vector(0)) < 1",
        "database_up{${local.database}}[5m])) or vector(1)) < 1",
    ),
    (f"{T}alerts.tf", '["close", "check"]', '["close"]'),
    (f"{T}monitoring.tf", "|pipeline|lending)", "|pipeline)"),
    (f"{T}alerts.tf", 'join(" and ", concat', 'join(" or ", concat'),
    (
        f"{T}alerts.tf",
        'response_code_class=\\"5xx\\"}"\n  latencies',
        'response_code_class=\\"4xx\\"}"\n  latencies',
    ),
    (f"{T}alerts.tf", ">= 10", ">= 1"),
    (f"{T}alerts.tf", "[6m])) < 1", "[6m])) > 0"),
    (f"{T}alerts.tf", "> 0 unless sum", "> 0 and sum"),
    (f"{T}alerts.tf", 'duration = "120s"', 'duration = "1200s"'),
    (f"{T}alerts.tf", "= local.channels_by_severity[each.value.severity]", "= []"),
    (
        f"{T}alerts.tf",
        'severity = "CRITICAL"\n      duration = "600s"',
        'severity = "WARNING"\n      duration = "600s"',
    ),
    (f"{T}alerts.tf", "length(var.urgent_channels) > 0", "true"),
    (f"{T}alerts.tf", "tostring(var.budget_amount)", "tostring(100 * var.budget_amount)"),
    (f"{T}monitoring.tf", '"OIDC_TOKEN"', '"SERVICE_AGENT_AUTHENTICATION_TYPE_UNSPECIFIED"'),
    (f"{T}monitoring.tf", "create_before_destroy = true", "create_before_destroy = false"),
    (f"{T}monitoring.tf", "goal                = 0.999", "goal                = 0.9"),
    (f"{T}decisions.tf", 'jsonPayload.record=\\"decision\\"', 'jsonPayload.record=\\"decisions\\"'),
    (
        f"{T}decisions.tf",
        "filter                 = local.decisions",
        'filter                 = "severity=DEBUG"',
    ),
)
VARIABLES = of_kind(
    "refusal or default",
    (
        f"{T}variables.tf",
        "!var.lock_retention || var.deletion_protection",
        "var.lock_retention || true",
    ),
    (f"{T}variables.tf", 'var.environment != "surety"', 'var.environment != "sure"'),
    (f"{T}variables.tf", ":([1-9][0-9]*|latest)$", "(:.*)?$"),
    (f"{T}variables.tf", "var.allow_public == (var.auth", "true || var.allow_public == (var.auth"),
    (f"{T}variables.tf", "default     = 1095", "default     = 109"),
    (f"{T}variables.tf", "workforcePools/.+)$", ".+)$"),
    (f"{T}outputs.tf", "rollback --model ${var.default_model}", "rollback --model application2"),
    (f"{T}versions.tf", ">= 7.45, < 8", ">= 6.50"),
    (f"{B}audit.tf", '["DATA_READ", "DATA_WRITE"]', '["DATA_READ"]'),
    (
        f"{B}project.tf",
        'var.enable_edge || var.enable_lending ? ["compute.googleapis.com"]',
        'true ? ["compute.googleapis.com"]',
    ),
    (
        f"{B}variables.tf",
        'regex("^[0-9]+$", var.github.owner_id)',
        'regex(".*", var.github.owner_id)',
    ),
    (f"{B}binary_authorization.tf", '"REQUIRE_ATTESTATION"', '"ALWAYS_ALLOW"'),
)
MUTATIONS = [
    *RIGHTS,
    *MEMBERS,
    *CONDITIONS,
    *SECRETS,
    *PROTECTION,
    *RUNNING,
    *MONITORING,
    *VARIABLES,
]
