//! From a table's URL and options to an object store.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use delta_kernel_default_engine::executor::tokio::TokioBackgroundExecutor;
use delta_kernel_default_engine::executor::TaskExecutor as _;
use object_store::azure::{AzureConfigKey, MicrosoftAzure, MicrosoftAzureBuilder};
use object_store::limit::LimitStore;
use object_store::list::{PaginatedListOptions, PaginatedListStore as _};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{BackoffConfig, ObjectMeta, ObjectStore, RetryConfig};
use url::Url;

use crate::failure::{Failure, Outcome};
use crate::transport::Transport;

/// Planning fails within this time when the store does not answer; whoever asked may try again.
const RETRY_TIMEOUT: Duration = Duration::from_secs(30);
const RETRIES_MAX: usize = 5;
/// Each has a thread, and its answer is in memory until it has been read.
const REQUESTS_MAX: usize = 16;

/// Parses the URL and gives it the closing slash, without which joining drops the last folder.
pub fn table_root(url: &str) -> Outcome<Url> {
    let mut root = Url::parse(url).map_err(|e| Failure::argument(format!("table URL: {e}")))?;
    if !root.path().ends_with('/') {
        root.set_path(&format!("{}/", root.path()));
    }
    Ok(root)
}

/// `options`: a JSON object of text values. `transport` sends the requests, and signs them.
pub fn open(
    root: &Url,
    options: &str,
    transport: Option<Transport>,
) -> Outcome<Arc<dyn ObjectStore>> {
    match root.scheme() {
        "file" => Ok(Arc::new(LocalFileSystem::new())),
        "az" => {
            let store = open_azure(root, options, transport)?;
            Ok(Arc::new(LimitStore::new(store, REQUESTS_MAX)))
        }
        other => Err(unknown_scheme(other)),
    }
}

/// What lies right in a folder of the table and has a name that begins with `stem`. Azure is asked
/// for those names only: one request for each 5,000 of them.
pub fn list_folder(
    root: &Url,
    access: (&str, Option<Transport>),
    folder: &str,
    stem: &str,
) -> Outcome<Vec<ObjectMeta>> {
    let folder = Path::from_url_path(format!("{}{folder}", root.path()))
        .map_err(|e| Failure::argument(format!("table URL: {e}")))?;
    let executor = TokioBackgroundExecutor::new();
    match root.scheme() {
        "file" => {
            let list = async move {
                let store = LocalFileSystem::new();
                store.list_with_delimiter(Some(&folder)).await
            };
            let mut objects = executor.block_on(list)?.objects;
            objects.retain(|object| {
                let name = object.location.filename();
                name.is_some_and(|name| name.starts_with(stem))
            });
            Ok(objects)
        }
        "az" => {
            let store = open_azure(root, access.0, access.1)?;
            let prefix = format!("{folder}/{stem}");
            Ok(executor.block_on(list_azure(store, prefix))?)
        }
        other => Err(unknown_scheme(other)),
    }
}

async fn list_azure(
    store: MicrosoftAzure,
    prefix: String,
) -> object_store::Result<Vec<ObjectMeta>> {
    let mut objects = Vec::new();
    let mut options = PaginatedListOptions::default();
    loop {
        let page = store.list_paginated(Some(&prefix), options).await?;
        objects.extend(page.result.objects);
        if page.page_token.is_none() {
            return Ok(objects);
        }
        options = PaginatedListOptions {
            page_token: page.page_token,
            ..Default::default()
        };
    }
}

fn unknown_scheme(scheme: &str) -> Failure {
    Failure::argument(format!("table URL: scheme {scheme} is neither az nor file"))
}

fn open_azure(
    root: &Url,
    options: &str,
    transport: Option<Transport>,
) -> Outcome<MicrosoftAzure> {
    let transport = transport.ok_or_else(|| Failure::argument("transport is NULL"))?;
    let options: HashMap<String, String> = serde_json::from_str(options)
        .map_err(|_| Failure::argument("storage options: not a JSON object of text values"))?;
    let container = root
        .host_str()
        .ok_or_else(|| Failure::argument("table URL: the container is missing"))?;
    let mut builder = MicrosoftAzureBuilder::new()
        .with_container_name(container)
        .with_http_connector(transport)
        .with_skip_signature(true)
        .with_retry(RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: RETRIES_MAX,
            retry_timeout: RETRY_TIMEOUT,
        });
    for (key, value) in options {
        let known: AzureConfigKey = key
            .parse()
            .map_err(|_| Failure::argument(format!("storage option {key} is not known")))?;
        builder = builder.with_config(known, value);
    }
    builder
        .build()
        .map_err(|e| Failure::argument(format!("storage options: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Code;

    #[test]
    fn the_root_gets_its_closing_slash() {
        assert_eq!(table_root("az://c/a%20b").unwrap().path(), "/a%20b/");
        assert_eq!(table_root("file:///a/").unwrap().path(), "/a/");
    }

    #[test]
    fn an_unknown_option_is_refused_without_its_value() {
        let root = table_root("az://c/t").unwrap();
        let options = r#"{"azure_sass": "SECRET"}"#;
        let failure = open(&root, options, Some(silent_transport())).unwrap_err();
        assert_eq!(failure.code, Code::InvalidArgument);
        assert!(failure.message.contains("azure_sass") && !failure.message.contains("SECRET"));
    }

    #[test]
    fn another_scheme_is_refused() {
        let root = table_root("s3://bucket/t").unwrap();
        assert_eq!(
            open(&root, "{}", None).unwrap_err().code,
            Code::InvalidArgument
        );
    }

    #[test]
    fn azure_without_a_transport_is_refused() {
        let root = table_root("az://c/t").unwrap();
        let failure = open(&root, "{}", None).unwrap_err();
        assert_eq!(failure.code, Code::InvalidArgument);
    }
}
