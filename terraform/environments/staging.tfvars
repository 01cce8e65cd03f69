# Between dev and prod, in a project of its own: what prod is given next is tried here first. It is as large and as
# protected as prod, and keeps its decisions for a quarter of a year.
project_id        = "your-project"
environment       = "staging"
region            = "europe-west1"
invokers          = [] # ["group:lending-test@your-company.example"]
operators         = [] # ["user:you@your-company.example"]
responders        = [] # ["group:oncall@your-company.example"]
auditors          = [] # ["group:risk@your-company.example"]
alert_emails      = [] # ["team@your-company.example"]
decision_log_days = 90
promotes_to       = [] # ["the-id-of-the-project-of-prod"]
