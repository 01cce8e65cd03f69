# Who is somebody, in every plan of the tables: people are no flag.
project_id     = "example-project"
alert_emails   = ["oncall@example.com"]
auditors       = ["group:risk@example.com"]
bigquery_users = ["group:analysts@example.com"]
invokers       = ["group:lending@example.com"]
operators      = ["user:operator@example.com"]
responders     = ["group:oncall@example.com"]
