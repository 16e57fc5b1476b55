//! Errors with a closed list of codes, made once from whatever the libraries below report.

use std::error::Error as StdError;
use std::fmt::Display;

use delta_kernel::KernelError;
use object_store::Error as StoreError;

/// The codes of `mms_delta.h`. Never renumber: they are part of the C ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Code {
    FeatureUnsupported = 1,
    NotFound = 2,
    Denied = 3,
    Unreachable = 4,
    Corrupt = 5,
    InvalidArgument = 6,
    Internal = 7,
}

/// What went wrong; `feature` is set only with [`Code::FeatureUnsupported`].
#[derive(Clone, Debug)]
pub struct Failure {
    pub code: Code,
    pub message: String,
    pub feature: Option<String>,
}

pub type Outcome<T> = Result<T, Failure>;

impl Failure {
    pub fn new(code: Code, message: impl Display) -> Self {
        Failure {
            code,
            message: message.to_string(),
            feature: None,
        }
    }

    pub fn argument(message: impl Display) -> Self {
        Failure::new(Code::InvalidArgument, message)
    }

    pub fn internal(message: impl Display) -> Self {
        Failure::new(Code::Internal, message)
    }

    pub fn unsupported(feature: impl Display) -> Self {
        Failure {
            code: Code::FeatureUnsupported,
            message: format!("the table needs the reader feature {feature}"),
            feature: Some(feature.to_string()),
        }
    }
}

impl From<KernelError> for Failure {
    fn from(error: KernelError) -> Self {
        // A wrapper that only adds a stack trace to the text when RUST_BACKTRACE is set.
        if let KernelError::Backtraced { source, .. } = error {
            return Failure::from(*source);
        }
        if let Some(failure) = from_store(&error) {
            return failure;
        }
        let code = match &error {
            KernelError::Unsupported(text) => return unsupported_in(text),
            // Asked for only when the newest commits are with the catalog instead of the log.
            KernelError::MaxCatalogVersion(_) => return Failure::unsupported("catalogManaged"),
            KernelError::FileNotFound(_)
            | KernelError::EmptyLog
            | KernelError::MissingVersion(_)
            | KernelError::StartVersionNotFound { .. }
            | KernelError::UnpublishedVersion(_)
            | KernelError::InvalidTableLocation(_) => Code::NotFound,
            KernelError::InvalidUrl(_) => Code::InvalidArgument,
            KernelError::InternalError(_)
            | KernelError::JoinFailure(_)
            | KernelError::Cancelled => Code::Internal,
            _ => Code::Corrupt,
        };
        let text = error.to_string();
        match quoted_after(&text, "Unsupported Delta table type: ") {
            Some(kind) => Failure::unsupported(format!("type {kind}")),
            None => Failure::new(code, text),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        from_store(&error).unwrap_or_else(|| Failure::internal(&error))
    }
}

/// The kernel says "Feature 'x' is not supported" or "Unsupported minimum reader version 9".
fn unsupported_in(text: &str) -> Failure {
    if let Some(feature) = quoted_after(text, "Feature ") {
        return Failure::unsupported(feature);
    }
    let mut failure = Failure::unsupported(text.trim_start_matches("Unsupported "));
    failure.message = text.to_string();
    failure
}

fn quoted_after(text: &str, prefix: &str) -> Option<String> {
    let rest = &text[text.find(prefix)? + prefix.len()..];
    let rest = rest.strip_prefix('\'')?;
    Some(rest[..rest.find('\'')?].to_string())
}

/// Looks through the chain of causes for an error of the object store: Parquet and Arrow wrap them.
fn from_store(error: &(dyn StdError + 'static)) -> Option<Failure> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(store) = cause.downcast_ref::<StoreError>() {
            return Some(Failure::new(store_code(store), with_causes(store)));
        }
        if let Some(KernelError::ObjectStore(store)) = cause.downcast_ref::<KernelError>() {
            return Some(Failure::new(store_code(store), with_causes(store)));
        }
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            return Some(Failure::new(io_code(io), io));
        }
        next = cause.source();
    }
    None
}

/// The error's text and those of its causes that it does not repeat: HTTP errors say "error sending
/// request" and leave the refused connection to the cause.
fn with_causes(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = cause.source();
    }
    text
}

fn store_code(error: &StoreError) -> Code {
    match error {
        StoreError::NotFound { .. } => Code::NotFound,
        StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. } => Code::Denied,
        StoreError::InvalidPath { .. } | StoreError::UnknownConfigurationKey { .. } => {
            Code::InvalidArgument
        }
        StoreError::Generic { source, .. } => generic_code(source.as_ref()),
        _ => Code::Internal,
    }
}

/// What the store could not sort itself. Local folders report through io errors; the HTTP stores
/// leave a status in the text. Without one the service was not reached.
fn generic_code(source: &(dyn StdError + 'static)) -> Code {
    let mut next = Some(source);
    while let Some(cause) = next {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            if is_local(io) {
                return io_code(io);
            }
        }
        next = cause.source();
    }
    match status_in(&source.to_string()) {
        Some(404) => Code::NotFound,
        Some(408 | 429) => Code::Unreachable,
        // Azure answers a malformed SAS with 400 or 409, not with 403.
        Some(status) if (400..500).contains(&status) => Code::Denied,
        _ => Code::Unreachable,
    }
}

fn status_in(text: &str) -> Option<u16> {
    const PREFIX: &str = "status code: ";
    let rest = &text[text.find(PREFIX)? + PREFIX.len()..];
    rest.get(..3)?.parse().ok()
}

fn is_local(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{IsADirectory, NotADirectory, NotFound, PermissionDenied};
    matches!(
        error.kind(),
        NotFound | PermissionDenied | NotADirectory | IsADirectory
    )
}

fn io_code(error: &std::io::Error) -> Code {
    use std::io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    match error.kind() {
        NotFound | NotADirectory => Code::NotFound,
        PermissionDenied => Code::Denied,
        _ => Code::Unreachable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_is_named_from_the_kernels_text() {
        let error = KernelError::unsupported("Feature 'coolFeature' is not supported");
        let failure = Failure::from(error);
        assert_eq!(failure.code, Code::FeatureUnsupported);
        assert_eq!(failure.feature.as_deref(), Some("coolFeature"));
    }

    #[test]
    fn a_reader_version_stands_for_a_feature() {
        let error = KernelError::unsupported("Unsupported minimum reader version 9");
        let failure = Failure::from(error);
        assert_eq!(failure.feature.as_deref(), Some("minimum reader version 9"));
    }

    #[test]
    fn a_store_error_inside_another_keeps_its_code() {
        let denied = StoreError::PermissionDenied {
            path: "x".into(),
            source: "403".into(),
        };
        let failure = Failure::from(KernelError::generic_err(denied));
        assert_eq!(failure.code, Code::Denied);
    }

    #[test]
    fn a_status_in_the_text_decides_what_the_store_left_open() {
        let code = |text: &str| {
            store_code(&StoreError::Generic {
                store: "test",
                source: text.into(),
            })
        };
        assert_eq!(code("non-2xx status code: 404 Not Found"), Code::NotFound);
        assert_eq!(code("non-2xx status code: 400 Bad Request"), Code::Denied);
        assert_eq!(code("non-2xx status code: 503 Busy"), Code::Unreachable);
        assert_eq!(code("HTTP error: error sending request"), Code::Unreachable);
    }

    #[test]
    fn a_missing_file_is_not_found() {
        let failure = Failure::from(KernelError::file_not_found("x"));
        assert_eq!(failure.code, Code::NotFound);
    }
}
