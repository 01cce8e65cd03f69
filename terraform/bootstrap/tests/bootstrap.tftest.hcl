# Wrong variables are refused at plan time, each by name. What is made is in ../../plans.

mock_provider "google" {}

run "wrong_variables_are_refused" {
  command = plan

  variables {
    project_id     = "Example Project"
    region         = "Europe"
    environment    = "Production"
    github         = { repository_id = "example/surety", owner_id = "example" }
    bitbucket      = { workspace = "Example", workspace_id = "{1}", repository_id = "surety", deployment_id = "prod" }
    auditors       = ["allAuthenticatedUsers"]
    bigquery_users = ["allUsers"]
    operators      = ["serviceAccount:robot@example.iam.gserviceaccount.com"]
    responders     = ["domain:example.com"]
    promotes_to    = ["Next Project"]
  }

  expect_failures = [
    var.project_id,
    var.region,
    var.environment,
    var.github,
    var.bitbucket,
    var.auditors,
    var.bigquery_users,
    var.operators,
    var.responders,
    var.promotes_to,
  ]
}

# The build may administer what begins with project and environment: not the state.
run "an_environment_named_as_the_bootstraps_buckets_is_refused" {
  command = plan

  variables {
    project_id  = "example-project"
    environment = "surety"
  }

  expect_failures = [var.environment]
}

run "workloads_of_other_identity_providers_are_no_people" {
  command = plan

  variables {
    project_id = "example-project"
    operators  = ["principalSet://iam.googleapis.com/locations/global/otherPools/robots/*"]
    responders = ["principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/robots/subject/r"]
  }

  expect_failures = [var.operators, var.responders]
}

# A name can change hands: both are numbers.
run "an_owner_named_by_its_name_is_refused" {
  command = plan

  variables {
    project_id = "example-project"
    github     = { repository_id = "123456", owner_id = "example" }
  }

  expect_failures = [var.github]
}

run "a_repository_named_by_its_name_is_refused" {
  command = plan

  variables {
    project_id = "example-project"
    github     = { repository_id = "example/surety", owner_id = "7890" }
  }

  expect_failures = [var.github]
}
