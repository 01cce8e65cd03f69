# With enable_binary_authorization Cloud Run starts images that a release has signed, and Google's sidecar. A release signs
# what has passed its checks and scans (../../infra/attest.sh), a promotion what was copied; nobody else may use the key.
locals {
  signing = var.enable_binary_authorization ? toset(["images"]) : toset([])
}

resource "google_kms_key_ring" "signing" {
  for_each = local.signing

  name     = "surety"
  location = var.region

  depends_on = [google_project_service.required]
}

# infra/environment.sh names its first version. A new version must be added to the attestor before it signs.
resource "google_kms_crypto_key" "signing" {
  #checkov:skip=CKV_GCP_43:a key that signs cannot be rotated by itself: its public half stands in the attestor

  for_each = local.signing

  name     = each.value
  key_ring = google_kms_key_ring.signing[each.key].id
  purpose  = "ASYMMETRIC_SIGN"

  version_template {
    algorithm        = "EC_SIGN_P256_SHA256"
    protection_level = "SOFTWARE"
  }

  lifecycle {
    prevent_destroy = true
  }
}

data "google_kms_crypto_key_version" "signing" {
  for_each = google_kms_crypto_key.signing

  crypto_key = each.value.id
}

resource "google_container_analysis_note" "released" {
  for_each = local.signing

  name = "surety-released"

  attestation_authority {
    hint {
      human_readable_name = "Surety: checked, scanned and released"
    }
  }

  depends_on = [google_project_service.required]
}

resource "google_binary_authorization_attestor" "released" {
  for_each = local.signing

  name = "surety"

  attestation_authority_note {
    note_reference = google_container_analysis_note.released[each.key].name

    public_keys {
      id = data.google_kms_crypto_key_version.signing[each.key].id

      pkix_public_key {
        public_key_pem      = data.google_kms_crypto_key_version.signing[each.key].public_key[0].pem
        signature_algorithm = data.google_kms_crypto_key_version.signing[each.key].public_key[0].algorithm
      }
    }
  }

  depends_on = [google_project_service.required]
}

# What signing takes: the key, the attestor's name and note, and a place for the signature.
resource "google_kms_crypto_key_iam_member" "build_signs" {
  for_each = local.signing

  crypto_key_id = google_kms_crypto_key.signing[each.key].id
  role          = "roles/cloudkms.signerVerifier"
  member        = google_service_account.build.member
}

resource "google_binary_authorization_attestor_iam_member" "build_signs" {
  for_each = local.signing

  attestor = google_binary_authorization_attestor.released[each.key].name
  role     = "roles/binaryauthorization.attestorsViewer"
  member   = google_service_account.build.member
}

resource "google_container_analysis_note_iam_member" "build_signs" {
  for_each = local.signing

  note   = google_container_analysis_note.released[each.key].name
  role   = "roles/containeranalysis.notes.attacher"
  member = google_service_account.build.member
}

resource "google_project_iam_member" "build_attaches_signatures" {
  for_each = var.enable_binary_authorization ? toset(["roles/containeranalysis.occurrences.editor"]) : toset([])

  project = var.project_id
  role    = each.value
  member  = google_service_account.build.member
}

resource "google_binary_authorization_policy" "project" {
  for_each = var.enable_binary_authorization ? toset(["project"]) : toset([])

  description                   = "Only what a release has signed, wherever a service asks for this policy."
  global_policy_evaluation_mode = "ENABLE"

  default_admission_rule {
    evaluation_mode         = "REQUIRE_ATTESTATION"
    enforcement_mode        = "ENFORCED_BLOCK_AND_AUDIT_LOG"
    require_attestations_by = [google_binary_authorization_attestor.released["images"].id]
  }

  dynamic "admission_whitelist_patterns" {
    for_each = var.enable_prometheus ? ["us-docker.pkg.dev/cloud-ops-agents-artifacts/cloud-run-gmp-sidecar/*"] : []

    content {
      name_pattern = admission_whitelist_patterns.value
    }
  }

  depends_on = [google_project_service.required]
}
