# What must hold of every plan, whatever is changed in the files beside this folder.

mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = {
      email  = "account@example.iam.gserviceaccount.com"
      member = "serviceAccount:account@example.iam.gserviceaccount.com"
    }
  }
}

override_resource {
  target = google_service_account.scoring
  values = {
    email  = "scoring@example.iam.gserviceaccount.com"
    member = "serviceAccount:scoring@example.iam.gserviceaccount.com"
  }
}

override_resource {
  target = google_service_account.training
  values = {
    email  = "training@example.iam.gserviceaccount.com"
    member = "serviceAccount:training@example.iam.gserviceaccount.com"
  }
}

variables {
  project_id     = "example-project"
  scoring_image  = "example/scoring:1"
  training_image = "example/training:1"
  invokers       = ["group:lending@example.com"]
}

run "nobody_is_let_in_unasked" {
  assert {
    condition     = [for m in google_cloud_run_v2_service_iam_member.invoker : m.member] == ["group:lending@example.com"]
    error_message = "Only the listed invokers may call the scoring service."
  }

  assert {
    condition     = one([for e in google_cloud_run_v2_service.scoring.template[0].containers[0].env : e.value if e.name == "AUTH"]) == "iam"
    error_message = "The scoring service must rely on Cloud Run's check of identities."
  }

  assert {
    condition     = google_storage_bucket.models.public_access_prevention == "enforced" && google_storage_bucket.models.uniform_bucket_level_access
    error_message = "The model bucket must never be public."
  }
}

run "public_access_is_given_only_when_asked_for" {
  variables {
    allow_public = true
  }

  assert {
    condition     = [for m in google_cloud_run_v2_service_iam_member.invoker : m.member] == ["allUsers"]
    error_message = "allow_public must let everyone call the service."
  }
}

run "scoring_cannot_write" {
  assert {
    condition = alltrue([
      for grant in [
        google_storage_bucket_iam_member.scoring_reads,
        google_storage_bucket_iam_member.training_reads,
        google_storage_bucket_iam_member.training_creates,
        google_storage_bucket_iam_member.training_promotes,
      ] : grant.role == "roles/storage.objectViewer" if grant.member == google_service_account.scoring.member
    ])
    error_message = "Scoring may only read the model bucket."
  }

  assert {
    condition     = google_cloud_run_v2_service.scoring.template[0].service_account == google_service_account.scoring.email
    error_message = "The scoring service must run under its own account."
  }
}

run "training_replaces_nothing_but_pointers" {
  assert {
    condition     = google_storage_bucket_iam_member.training_creates.role == "roles/storage.objectCreator"
    error_message = "Training may create objects, not replace them."
  }

  assert {
    condition     = endswith(google_storage_bucket_iam_member.training_promotes.condition[0].expression, "/objects/champions/\")")
    error_message = "Training may replace objects under champions/ only."
  }

  assert {
    condition     = alltrue([for job in google_cloud_run_v2_job.training : job.template[0].template[0].max_retries == 1])
    error_message = "A job that failed twice needs a person."
  }
}

run "every_model_has_a_job_and_a_schedule" {
  assert {
    condition     = keys(google_cloud_scheduler_job.training) == keys(google_cloud_run_v2_job.training)
    error_message = "Each training job must have its schedule."
  }

  assert {
    condition     = google_cloud_run_v2_job.training["card_default"].template[0].template[0].containers[0].args == tolist(["train", "--model", "card_default"])
    error_message = "A job must train the model it is named after."
  }

  assert {
    condition     = google_service_account.schedule.account_id != google_service_account.training.account_id
    error_message = "The scheduler must not run under the training account."
  }
}

run "wrong_variables_are_refused" {
  command = plan

  variables {
    project_id    = "Example Project"
    environment   = "Production"
    invokers      = ["allUsers"]
    max_instances = 0
    models        = { "card-default" = { schedule = "weekly" } }
  }

  expect_failures = [
    var.project_id,
    var.environment,
    var.invokers,
    var.max_instances,
    var.models,
  ]
}
