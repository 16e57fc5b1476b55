//! Whether a log still ends with the commit it ended with: one listing instead of an open table.

use crate::failure::Outcome;
use crate::store;
use crate::transport::Transport;

/// Length of a version in a commit's name (Delta protocol, "Delta Log Entries").
const VERSION_DIGITS: usize = 20;

/// The JSON object described in `mms_delta.h`. Lists only names that begin with the digits which
/// `known` and the version after it share, so that a long log costs one page like a short one.
pub fn find(url: &str, access: (&str, Option<Transport>), known: u64) -> Outcome<String> {
    let root = store::table_root(url)?;
    let mut newest = None;
    let mut mark = None;
    for object in store::list_folder(&root, access, "_delta_log", &shared_digits(known))? {
        let Some(version) = object.location.filename().and_then(commit_version) else {
            continue;
        };
        newest = newest.max(Some(version));
        if version == known {
            let modified_ms = object.last_modified.timestamp_millis();
            mark = Some(commit_mark(modified_ms, object.size));
        }
    }
    Ok(serde_json::json!({"newest": newest, "mark": mark}).to_string())
}

/// Tells a commit from one that another table wrote under the same name later.
pub fn commit_mark(modified_ms: i64, size: u64) -> String {
    format!("{modified_ms}:{size}")
}

fn shared_digits(known: u64) -> String {
    let name = |version: u64| format!("{version:0VERSION_DIGITS$}");
    name(known)
        .chars()
        .zip(name(known.saturating_add(1)).chars())
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a)
        .collect()
}

fn commit_version(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".json")?;
    let is_version = digits.len() == VERSION_DIGITS && digits.bytes().all(|b| b.is_ascii_digit());
    is_version.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shared_digits_begin_both_names() {
        assert_eq!(shared_digits(123), "0000000000000000012");
        assert_eq!(shared_digits(129), "000000000000000001");
        assert_eq!(shared_digits(999), "0000000000000000");
    }

    #[test]
    fn only_commits_are_versions() {
        assert_eq!(commit_version("00000000000000000007.json"), Some(7));
        assert_eq!(commit_version("00000000000000000007.checkpoint.parquet"), None);
        assert_eq!(commit_version("00000000000000000007.crc"), None);
        assert_eq!(commit_version("7.json"), None);
    }
}
