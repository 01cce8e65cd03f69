# The one file to edit; every variable is described in ../variables.tf and ../bootstrap/variables.tf.
project_id   = "your-project"
environment  = "prod"
region       = "europe-west1"
invokers     = [] # ["group:lending@your-company.example"]
operators    = [] # ["user:you@your-company.example"]
responders   = [] # ["group:oncall@your-company.example"]
auditors     = [] # ["group:risk@your-company.example"]
alert_emails = [] # ["oncall@your-company.example"]
