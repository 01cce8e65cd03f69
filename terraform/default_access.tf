# What Google grants with every new bucket, taken away: whoever may view the project could read it, and whoever may
# edit the project could write to it. Owners of the project keep theirs, since they could give it back to themselves.
locals {
  private_buckets = merge(
    { evidence = google_storage_bucket.evidence.name, models = google_storage_bucket.models.name },
    { for name, bucket in google_storage_bucket.batch : name => bucket.name },
    { for name, bucket in google_storage_bucket.backup : "backup-${name}" => bucket.name },
    { for bucket in google_storage_bucket.features : "features" => bucket.name },
    { for bucket in google_storage_bucket.lake : "lake" => bucket.name },
    { for bucket in google_storage_bucket.source : "source" => bucket.name },
  )

  default_roles = {
    "roles/storage.legacyBucketOwner"  = ["projectOwner:${var.project_id}"]
    "roles/storage.legacyBucketReader" = []
    "roles/storage.legacyObjectOwner"  = ["projectOwner:${var.project_id}"]
    "roles/storage.legacyObjectReader" = []
  }
}

resource "google_storage_bucket_iam_binding" "default_access" {
  #checkov:skip=CKV2_SURETY_3:it gives nobody a right, and takes away what Google grants by default

  for_each = {
    for pair in setproduct(keys(local.private_buckets), keys(local.default_roles)) :
    "${pair[0]} ${trimprefix(pair[1], "roles/storage.")}" => { bucket = local.private_buckets[pair[0]], role = pair[1] }
  }

  bucket  = each.value.bucket
  role    = each.value.role
  members = local.default_roles[each.value.role]
}
