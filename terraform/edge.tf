# One load balancer with rate limits, in front of the scoring service and, under a domain of its own, of the loan book;
# costs when idle.
locals {
  edge = var.enable_edge ? toset(["edge"]) : toset([])

  # What is behind it: the service, and the domain that leads there.
  edge_services = merge(
    { for _ in local.edge : "scoring" => { service = google_cloud_run_v2_service.scoring.name, domain = var.domain } },
    { for name in local.lending : name => { service = google_cloud_run_v2_service.lending[name].name, domain = var.lending.domain } if var.lending.domain != null },
  )
  edge_domains = compact([var.domain, var.lending.domain])
}

resource "google_compute_region_network_endpoint_group" "edge" {
  for_each = local.edge_services

  name                  = "${var.environment}-${each.key}"
  region                = var.region
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = each.value.service
  }
}

resource "google_compute_security_policy" "scoring" {
  for_each = local.edge

  name        = "${var.environment}-scoring"
  description = "Rate limits for each address that calls a service."

  rule {
    description = "Log4Shell and its kin are nobody's application"
    action      = "deny(403)"
    priority    = 500

    match {
      expr {
        expression = "evaluatePreconfiguredWaf('cve-canary')"
      }
    }
  }

  rule {
    description = "So many requests a minute and address"
    action      = "throttle"
    priority    = 1000

    match {
      versioned_expr = "SRC_IPS_V1"

      config {
        src_ip_ranges = ["*"]
      }
    }

    rate_limit_options {
      conform_action = "allow"
      exceed_action  = "deny(429)"
      enforce_on_key = "IP"

      rate_limit_threshold {
        count        = var.requests_per_minute
        interval_sec = 60
      }
    }
  }

  rule {
    description = "Default rule"
    action      = "allow"
    priority    = 2147483647

    match {
      versioned_expr = "SRC_IPS_V1"

      config {
        src_ip_ranges = ["*"]
      }
    }
  }
}

resource "google_compute_backend_service" "edge" {
  for_each = local.edge_services

  name                  = "${var.environment}-${each.key}"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  protocol              = "HTTPS"
  security_policy       = google_compute_security_policy.scoring["edge"].id

  backend {
    group = google_compute_region_network_endpoint_group.edge[each.key].id
  }

  log_config {
    enable      = true
    sample_rate = 1
  }
}

resource "google_compute_url_map" "scoring" {
  for_each = local.edge

  name            = "${var.environment}-scoring"
  default_service = google_compute_backend_service.edge["scoring"].id

  dynamic "host_rule" {
    for_each = { for name, behind in local.edge_services : name => behind.domain if name != "scoring" }

    content {
      hosts        = [host_rule.value]
      path_matcher = host_rule.key
    }
  }

  dynamic "path_matcher" {
    for_each = setsubtract(keys(local.edge_services), ["scoring"])

    content {
      name            = path_matcher.value
      default_service = google_compute_backend_service.edge[path_matcher.value].id
    }
  }
}

# Whoever types a domain without https is sent there; nothing is answered in the clear.
resource "google_compute_url_map" "redirect" {
  for_each = local.edge

  name = "${var.environment}-scoring-redirect"

  default_url_redirect {
    https_redirect         = true
    redirect_response_code = "PERMANENT_REDIRECT"
    strip_query            = false
  }
}

resource "google_compute_target_http_proxy" "redirect" {
  for_each = local.edge

  name    = "${var.environment}-scoring-redirect"
  url_map = google_compute_url_map.redirect["edge"].id
}

resource "google_compute_global_forwarding_rule" "redirect" {
  for_each = local.edge

  name                  = "${var.environment}-scoring-redirect"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.scoring["edge"].id
  port_range            = "80"
  target                = google_compute_target_http_proxy.redirect["edge"].id
}

resource "google_compute_managed_ssl_certificate" "scoring" {
  for_each = local.edge

  # A certificate in use cannot be replaced: that of other domains has another name.
  name = "${var.environment}-scoring-${substr(sha256(join(",", local.edge_domains)), 0, 8)}"

  managed {
    domains = local.edge_domains
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_ssl_policy" "scoring" {
  for_each = local.edge

  name            = "${var.environment}-scoring"
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"
}

resource "google_compute_target_https_proxy" "scoring" {
  for_each = local.edge

  name             = "${var.environment}-scoring"
  url_map          = google_compute_url_map.scoring["edge"].id
  ssl_certificates = [google_compute_managed_ssl_certificate.scoring["edge"].id]
  ssl_policy       = google_compute_ssl_policy.scoring["edge"].id
}

resource "google_compute_global_address" "scoring" {
  for_each = local.edge

  name = "${var.environment}-scoring"
}

resource "google_compute_global_forwarding_rule" "scoring" {
  for_each = local.edge

  name                  = "${var.environment}-scoring"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.scoring["edge"].id
  port_range            = "443"
  target                = google_compute_target_https_proxy.scoring["edge"].id
}

check "bigquery_reaches_the_service" {
  assert {
    condition     = !(var.edge_only && var.enable_bigquery)
    error_message = "With edge_only, BigQuery reaches the scoring service only within a VPC Service Controls perimeter, which nothing here sets up."
  }
}
