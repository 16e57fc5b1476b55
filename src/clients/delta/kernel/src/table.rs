//! A table at one version: open, describe, schemas, deletion vectors.

use std::sync::{Arc, Mutex};

use delta_kernel::actions::deletion_vector::DeletionVectorDescriptor;
use delta_kernel::arrow::datatypes::Schema as ArrowSchema;
use delta_kernel::engine::arrow_conversion::TryIntoArrow as _;
use delta_kernel::table_features::ColumnMappingMode;
use delta_kernel::{Engine, Snapshot, SnapshotRef};
use delta_kernel_default_engine::DefaultEngine;
use url::Url;

use crate::failure::{Code, Failure, Outcome};
use crate::transport::Transport;
use crate::{features, log_end, store};

/// Where a stream leaves the failure that the Arrow C stream can only carry as text.
pub type FailureSlot = Arc<Mutex<Option<Failure>>>;

pub struct Table {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) snapshot: SnapshotRef,
    pub(crate) stream_failure: FailureSlot,
}

impl Table {
    /// `version` None = the newest.
    pub fn open(
        url: &str,
        options: &str,
        version: Option<u64>,
        transport: Option<Transport>,
    ) -> Outcome<Table> {
        let root = store::table_root(url)?;
        let engine = DefaultEngine::builder(store::open(&root, options, transport)?).build();
        let engine: Arc<dyn Engine> = Arc::new(engine);
        let mut builder = Snapshot::builder_for(root.as_str());
        if let Some(version) = version {
            builder = builder.at_version(version);
        }
        let snapshot = builder.build(engine.as_ref())?;
        features::check(&snapshot)?;
        Ok(Table {
            engine,
            snapshot,
            stream_failure: FailureSlot::default(),
        })
    }

    /// The JSON object described in `mms_delta.h`.
    pub fn info(&self) -> Outcome<String> {
        let configuration = self.snapshot.table_configuration();
        let protocol = configuration.protocol();
        let metadata = configuration.metadata();
        let features: Vec<String> = protocol
            .reader_features()
            .unwrap_or_default()
            .iter()
            .map(|feature| feature.to_string())
            .collect();
        let mapping = match configuration.column_mapping_mode() {
            ColumnMappingMode::None => "none",
            ColumnMappingMode::Name => "name",
            ColumnMappingMode::Id => "id",
        };
        let schema = serde_json::to_value(self.snapshot.schema().as_ref())
            .map_err(|e| Failure::internal(format!("schema to JSON: {e}")))?;
        // Without a time the table is still readable, so a failure here only leaves it unknown.
        let timestamp_ms = self.snapshot.get_timestamp(self.engine.as_ref()).ok();
        let newest = &self.snapshot.log_segment().listed.latest_commit_file;
        let mark = newest.as_ref().map(|commit| {
            log_end::commit_mark(commit.location.last_modified, commit.location.size)
        });
        Ok(serde_json::json!({
            "version": self.snapshot.version(),
            "commit_mark": mark,
            "timestamp_ms": timestamp_ms,
            "id": metadata.id(),
            "min_reader": protocol.min_reader_version(),
            "reader_features": features,
            "partition_columns": metadata.partition_columns(),
            "configuration": metadata.configuration(),
            "column_mapping": mapping,
            "schema": schema,
        })
        .to_string())
    }

    /// Logical and physical schema, in this order.
    pub fn schemas(&self) -> Outcome<(ArrowSchema, ArrowSchema)> {
        let scan = self.snapshot.clone().scan_builder().build()?;
        let logical = scan.logical_schema().as_ref().try_into_arrow();
        let physical = scan.physical_schema().as_ref().try_into_arrow();
        let corrupt = |e| Failure::new(Code::Corrupt, format!("schema to Arrow: {e}"));
        Ok((logical.map_err(corrupt)?, physical.map_err(corrupt)?))
    }

    /// Ascending positions of the rows that the vector removes.
    pub fn removed_rows(&self, vector: &Vector) -> Outcome<Vec<u64>> {
        removed_rows(self.engine.as_ref(), self.snapshot.table_root(), vector)
    }
}

/// The same of a vector whose file another store holds: `url` is that of its container.
pub fn removed_rows_at(
    url: &str,
    access: (&str, Option<Transport>),
    vector: &Vector,
) -> Outcome<Vec<u64>> {
    let root = store::table_root(url)?;
    let engine = DefaultEngine::builder(store::open(&root, access.0, access.1)?).build();
    removed_rows(&engine, &root, vector)
}

fn removed_rows(engine: &dyn Engine, root: &Url, vector: &Vector) -> Outcome<Vec<u64>> {
    let storage = vector
        .storage_type
        .parse()
        .map_err(|_| corrupt_vector(format!("storage type {:?}", vector.storage_type)))?;
    let offset = (vector.offset >= 0).then_some(vector.offset);
    let descriptor = DeletionVectorDescriptor::try_new(
        storage,
        vector.path_or_inline,
        offset,
        vector.size_bytes,
        vector.cardinality,
    )?;
    let rows = descriptor.row_indexes(engine.storage_handler(), root)?;
    if u64::try_from(vector.cardinality) != Ok(rows.len() as u64) {
        return Err(corrupt_vector(format!(
            "it removes {} rows, the log says {}",
            rows.len(),
            vector.cardinality
        )));
    }
    Ok(rows)
}

/// A deletion vector as the log describes it; `offset` below 0 = none.
pub struct Vector<'a> {
    pub storage_type: &'a str,
    pub path_or_inline: &'a str,
    pub offset: i32,
    pub size_bytes: i32,
    pub cardinality: i64,
}

fn corrupt_vector(why: String) -> Failure {
    Failure::new(Code::Corrupt, format!("deletion vector: {why}"))
}
