//! Which partitions the commits after a version touched with data.
//!
//! An action with `dataChange` false (OPTIMIZE, Z-order, re-clustering) moves rows between files
//! and changes none, so it touches nothing here.

use std::collections::BTreeMap;

use delta_kernel::arrow::array::cast::AsArray as _;
use delta_kernel::arrow::array::{Array, MapArray, RecordBatch, StructArray};
use delta_kernel::commit_range::{CommitRange, DeltaAction};
use delta_kernel::engine::arrow_data::EngineDataArrowExt as _;

use crate::failure::{Code, Failure, Outcome};
use crate::table::Table;

type Values = BTreeMap<String, Option<String>>;

/// A commit: its version and its time in ms.
type Commit = (u64, i64);

#[derive(Default)]
struct Touched {
    partitions: BTreeMap<Values, Commit>,
    last: Option<Commit>,
    /// A removed file whose partition the commit does not say (no extended metadata).
    unattributed: bool,
    metadata_changed: bool,
}

/// The JSON object described in `mms_delta.h`, of the commits after `from` up to the table's own.
pub fn list(table: &Table, from: u64) -> Outcome<String> {
    let mut touched = Touched::default();
    if from < table.snapshot.version() {
        read(table, from + 1, &mut touched)?;
    }
    let commit = |(version, ms): Commit| serde_json::json!({"version": version, "time_ms": ms});
    let partitions: Vec<_> = touched
        .partitions
        .into_iter()
        .map(|(values, (version, ms))| {
            serde_json::json!({"values": values, "version": version, "time_ms": ms})
        })
        .collect();
    Ok(serde_json::json!({
        "partitions": partitions,
        "last": touched.last.map(commit),
        "unattributed": touched.unattributed,
        "metadata_changed": touched.metadata_changed,
    })
    .to_string())
}

fn read(table: &Table, first: u64, touched: &mut Touched) -> Outcome<()> {
    let engine = table.engine.clone();
    let range = CommitRange::builder_for(table.snapshot.table_root(), first)
        .with_end_version(table.snapshot.version())
        .build(engine.as_ref())?;
    let wanted = [DeltaAction::Add, DeltaAction::Remove, DeltaAction::Metadata];
    let partitioned = !table
        .snapshot
        .table_configuration()
        .metadata()
        .partition_columns()
        .is_empty();
    for commit in range.commits(engine.clone(), None, &wanted)? {
        let commit = commit?;
        let stamp = (commit.version(), commit.timestamp());
        for batch in commit.get_actions(engine.as_ref())? {
            let batch = batch.try_into_record_batch()?;
            touched.metadata_changed |= holds_any(&batch, "metaData")?;
            touched.note(&batch, "add", stamp, partitioned)?;
            touched.note(&batch, "remove", stamp, partitioned)?;
        }
    }
    Ok(())
}

impl Touched {
    fn note(
        &mut self,
        batch: &RecordBatch,
        action: &str,
        commit: Commit,
        partitioned: bool,
    ) -> Outcome<()> {
        let actions = structs(batch, action)?;
        let changes = field(actions, "dataChange")?;
        let changes = changes.as_boolean_opt().ok_or_else(|| foreign(action))?;
        let values = field(actions, "partitionValues")?;
        let values = values.as_map_opt().ok_or_else(|| foreign(action))?;
        for row in 0..actions.len() {
            if actions.is_null(row) || (changes.is_valid(row) && !changes.value(row)) {
                continue;
            }
            self.last = self.last.max(Some(commit));
            if !partitioned {
                self.partitions.insert(Values::new(), commit);
            } else if values.is_null(row) {
                self.unattributed = true;
            } else {
                self.partitions.insert(values_at(values, row)?, commit);
            }
        }
        Ok(())
    }
}

fn holds_any(batch: &RecordBatch, action: &str) -> Outcome<bool> {
    let actions = structs(batch, action)?;
    Ok(actions.null_count() < actions.len())
}

fn structs<'a>(batch: &'a RecordBatch, action: &str) -> Outcome<&'a StructArray> {
    batch
        .column_by_name(action)
        .and_then(|column| column.as_struct_opt())
        .ok_or_else(|| foreign(action))
}

fn field<'a>(actions: &'a StructArray, name: &str) -> Outcome<&'a dyn Array> {
    actions
        .column_by_name(name)
        .map(|column| column.as_ref())
        .ok_or_else(|| foreign(name))
}

fn values_at(map: &MapArray, row: usize) -> Outcome<Values> {
    let entries = map.value(row);
    let texts = |index: usize| {
        entries
            .column(index)
            .as_string_opt::<i32>()
            .ok_or_else(|| foreign("partitionValues"))
    };
    let (keys, values) = (texts(0)?, texts(1)?);
    Ok((0..entries.len())
        .map(|i| {
            let value = values.is_valid(i).then(|| values.value(i).to_string());
            (keys.value(i).to_string(), value)
        })
        .collect())
}

/// The kernel's own schema of an action, so only a bug changes it.
fn foreign(name: &str) -> Failure {
    Failure::new(Code::Internal, format!("action {name} has another form"))
}
