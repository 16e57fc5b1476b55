//! The live files of a table as a stream of Arrow batches.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Arc, LazyLock};

use crate::failure::{Failure, Outcome};
use crate::table::{FailureSlot, Table};
use delta_kernel::arrow::array::cast::AsArray as _;
use delta_kernel::arrow::array::types::Int64Type;
use delta_kernel::arrow::array::{
    new_null_array, Array, ArrayRef, Int64Array, RecordBatch, RecordBatchReader, StringArray,
    StructArray,
};
use delta_kernel::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use delta_kernel::arrow::error::ArrowError;
use delta_kernel::engine::arrow_conversion::TryIntoArrow as _;
use delta_kernel::engine::arrow_data::EngineDataArrowExt as _;
use delta_kernel::expressions::ColumnName;
use delta_kernel::scan::{scan_row_schema, ScanMetadata, StatsOptions};
use delta_kernel::{KernelError, KernelResult};

/// The columns promised in `mms_delta.h`, with the kernel's types for the nested ones.
static FILE_SCHEMA: LazyLock<Outcome<SchemaRef>> = LazyLock::new(|| {
    let kernel: Schema = scan_row_schema().as_ref().try_into_arrow().map_err(arrow)?;
    let constants = kernel
        .field_with_name("fileConstantValues")
        .map_err(arrow)?;
    let DataType::Struct(constants) = constants.data_type() else {
        return Err(Failure::internal("fileConstantValues is no struct"));
    };
    let (_, partitions) = constants
        .find("partitionValues")
        .ok_or_else(|| Failure::internal("partitionValues is missing"))?;
    let vector = kernel.field_with_name("deletionVector").map_err(arrow)?;
    Ok(Arc::new(Schema::new(vec![
        Field::new("path", DataType::Utf8, false),
        Field::new("size", DataType::Int64, false),
        Field::new("modification_time", DataType::Int64, true),
        Field::new("num_records", DataType::Int64, true),
        Field::new("stats", DataType::Utf8, true),
        Field::new("partition_values", partitions.data_type().clone(), true),
        Field::new("deletion_vector", vector.data_type().clone(), true),
    ])))
});

/// Streams the files of a scan; keeps the table's engine alive through the kernel's iterator.
pub struct FileStream {
    batches: Box<dyn Iterator<Item = KernelResult<ScanMetadata>> + Send>,
    schema: SchemaRef,
    with_statistics: bool,
    failure: FailureSlot,
}

impl FileStream {
    /// With statistics the JSON text of the log comes along; without, only the row count is read,
    /// which a Parquet checkpoint gives far cheaper.
    pub fn open(table: &Table, with_statistics: bool) -> Outcome<FileStream> {
        let statistics = if with_statistics {
            StatsOptions::json_only()
        } else {
            StatsOptions::struct_columns(Vec::<ColumnName>::new())
        };
        let scan = table
            .snapshot
            .clone()
            .scan_builder()
            .with_stats(statistics)
            .without_row_transforms()
            .build()?;
        Ok(FileStream {
            batches: Box::new(scan.scan_metadata(table.engine.as_ref())?),
            schema: FILE_SCHEMA.clone()?,
            with_statistics,
            failure: table.stream_failure.clone(),
        })
    }

    fn next_batch(&mut self) -> Option<Outcome<RecordBatch>> {
        loop {
            let metadata = self.batches.next()?;
            let batch = live_rows(metadata).and_then(|kernel| self.project(&kernel));
            match batch {
                Ok(batch) if batch.num_rows() == 0 => continue,
                other => return Some(other),
            }
        }
    }

    fn project(&self, kernel: &RecordBatch) -> Outcome<RecordBatch> {
        let statistics = column(kernel, "stats")?;
        let constants = column(kernel, "fileConstantValues")?;
        let partitions = constants
            .as_struct_opt()
            .and_then(|values| values.column_by_name("partitionValues").cloned())
            .ok_or_else(|| Failure::internal("scan row without partitionValues"))?;
        let rows = row_counts(kernel, statistics.as_ref())?;
        let text = if self.with_statistics {
            statistics
        } else {
            new_null_array(&DataType::Utf8, kernel.num_rows())
        };
        let columns: Vec<ArrayRef> = vec![
            column(kernel, "path")?,
            column(kernel, "size")?,
            column(kernel, "modificationTime")?,
            Arc::new(rows),
            text,
            partitions,
            column(kernel, "deletionVector")?,
        ];
        RecordBatch::try_new(self.schema.clone(), columns).map_err(arrow)
    }
}

impl Iterator for FileStream {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        // The caller is C++: a panic must not cross.
        let next = catch_unwind(AssertUnwindSafe(|| self.next_batch()))
            .unwrap_or_else(|_| Some(Err(Failure::internal("panic while listing files"))));
        next.map(|batch| {
            batch.map_err(|failure| {
                let text = failure.message.clone();
                if let Ok(mut slot) = self.failure.lock() {
                    *slot = Some(failure);
                }
                ArrowError::ComputeError(text)
            })
        })
    }
}

impl RecordBatchReader for FileStream {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

/// Drops the rows of files that are removed again further on in the log.
fn live_rows(metadata: KernelResult<ScanMetadata>) -> Outcome<RecordBatch> {
    let live = metadata?.scan_files.apply_selection_vector()?;
    Ok(Ok::<_, KernelError>(live).try_into_record_batch()?)
}

fn column(batch: &RecordBatch, name: &str) -> Outcome<ArrayRef> {
    batch
        .column_by_name(name)
        .cloned()
        .ok_or_else(|| Failure::internal(format!("scan row without {name}")))
}

/// numRecords of each file: from parsed statistics where the log has them, else from the JSON text.
/// Null when neither says it, and when the text is not what the protocol asks for.
fn row_counts(kernel: &RecordBatch, statistics: &dyn Array) -> Outcome<Int64Array> {
    let parsed = kernel.column_by_name("stats_parsed");
    let parsed = parsed.and_then(|column| column.as_struct_opt());
    let text = statistics
        .as_any()
        .downcast_ref::<StringArray>()
        .ok_or_else(|| Failure::internal("stats is no text column"))?;
    Ok((0..kernel.num_rows())
        .map(|row| parsed_count(parsed, row).or_else(|| text_count(text, row)))
        .collect())
}

fn parsed_count(parsed: Option<&StructArray>, row: usize) -> Option<i64> {
    let parsed = parsed?;
    let counts = parsed.column_by_name("numRecords")?;
    let counts = counts.as_primitive_opt::<Int64Type>()?;
    (parsed.is_valid(row) && counts.is_valid(row)).then(|| counts.value(row))
}

fn text_count(text: &StringArray, row: usize) -> Option<i64> {
    if text.is_null(row) {
        return None;
    }
    let statistics: serde_json::Value = serde_json::from_str(text.value(row)).ok()?;
    statistics["numRecords"]
        .as_i64()
        .filter(|count| *count >= 0)
}

fn arrow(error: ArrowError) -> Failure {
    Failure::internal(format!("file list to Arrow: {error}"))
}
