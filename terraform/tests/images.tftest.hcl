# Created with images, as the build does it. A file of its own: what is created once is not changed.

mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}

variables {
  project_id = "example-project"
}

run "an_image_is_started_as_it_was_built" {
  variables {
    scoring_image  = "example/scoring:1"
    training_image = "example/training:1"
  }

  assert {
    condition     = google_cloud_run_v2_service.scoring.template[0].containers[0].command == null && google_cloud_run_v2_job.training["application"].template[0].template[0].containers[0].command == null
    error_message = "An image must be started by its own command."
  }

  assert {
    condition     = google_cloud_run_v2_service.retrain.template[0].containers[0].command == tolist(["python", "-m", "functions.retrain"])
    error_message = "The retrain service must start its own function."
  }

  assert {
    condition     = google_cloud_run_v2_service.retrain.template[0].scaling[0].max_instance_count == 1 && google_cloud_run_v2_service.retrain.template[0].max_instance_request_concurrency == 1
    error_message = "Two requests at once must not start two training runs."
  }
}
