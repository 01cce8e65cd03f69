# A second environment, in a project of its own; it may be destroyed.
project_id          = "your-project"
environment         = "dev"
region              = "europe-west1"
max_instances       = 2
decision_log_days   = 30
deletion_protection = false
promotes_to         = [] # ["the-id-of-the-next-project"], to release there what is served here
