//! Which reader features we vouch for.
//!
//! The kernel accepts more than the reader of the data files understands, so a feature passes only
//! when both do. A feature that is not named here would give wrong rows, silently; it is refused by
//! its name.

use delta_kernel::SnapshotRef;

use crate::failure::{Failure, Outcome};

/// Names as in the log (Delta protocol, "Valid Feature Names in Table Features").
const READ_CORRECTLY: &[&str] = &[
    "columnMapping",
    "deletionVectors",
    "timestampNtz",
    "typeWidening",
    "typeWidening-preview",
    "v2Checkpoint",
    "vacuumProtocolCheck",
];

/// Fails with the first feature that we do not read. Left out on purpose: `catalogManaged` (the
/// newest commits are only with the catalog, the log alone is stale), `variantType` and
/// `variantShredding` (their files hold an encoding of their own), `geospatial`.
pub fn check(snapshot: &SnapshotRef) -> Outcome<()> {
    let protocol = snapshot.table_configuration().protocol();
    for feature in protocol.reader_features().unwrap_or_default() {
        let name = feature.to_string();
        if !READ_CORRECTLY.contains(&name.as_str()) {
            return Err(Failure::unsupported(name));
        }
    }
    Ok(())
}
